import { availableParallelism } from 'node:os'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'

/** How long a test waits for a condition, unless it says so itself. Vitest's default of 1 s is too short for a busy machine. */
const expectation = { poll: { timeout: 30_000 } }

/** Tests that share a cluster and an operator: one file at a time. */
function onCluster(name: string, folder = `test/${name}`): TestProjectConfiguration {
  return {
    test: {
      name,
      include: [`${folder}/**/*.test.ts`],
      globalSetup: [`${folder}/global-setup.ts`],
      fileParallelism: false,
      expect: expectation,
      testTimeout: 400_000,
      hookTimeout: 600_000,
    },
  }
}

/**
 * The projects differ in what their tests need: nothing (unit), servers on this machine such as mongod, redis-server and
 * kube-apiserver (integration), a browser besides (browser, and browser-cluster with a cluster), or a cluster (e2e; chaos, which
 * disturbs rollouts; release, which installs from a dry run). neighbours runs other projects' programs with such
 * servers, and neighbours-cluster in a cluster.
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    // By default Vitest leaves one CPU idle: on two CPUs, test files would run one after the other.
    maxWorkers: availableParallelism(),
    coverage: {
      provider: 'v8',
      include: ['contract/**/*.ts', 'operator/**/*.ts', 'api-server/**/*.ts', 'cli/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.generated.ts'],
      // Counts the processes that a test starts, too.
      autoAttachSubprocess: true,
      reporter: ['html', 'json-summary'],
    },
    projects: [
      {
        test: {
          name: 'unit',
          expect: expectation,
          include: ['{contract,operator,api-server,cli,scripts,tools,bench,test/unit}/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          expect: expectation,
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['tools/local-servers/global-setup.ts', 'test/integration/api-server/contract/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          expect: expectation,
          include: ['test/browser/*.test.ts'],
          globalSetup: ['tools/local-servers/global-setup.ts', 'test/integration/api-server/contract/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'neighbours',
          expect: expectation,
          include: ['test/neighbours/*.test.ts'],
          globalSetup: ['tools/local-servers/global-setup.ts', 'test/integration/api-server/contract/global-setup.ts'],
          // Alerts depend on time, so no other file takes the CPU.
          fileParallelism: false,
          testTimeout: 300_000,
          // The first start compiles what it needs.
          hookTimeout: 1_800_000,
        },
      },
      onCluster('neighbours-cluster', 'test/neighbours/cluster'),
      onCluster('browser-cluster', 'test/browser/cluster'),
      onCluster('e2e'),
      onCluster('chaos'),
      // One dry run of a release, which all its tests share. The first one downloads half a gigabyte.
      onCluster('release'),
    ],
  },
})
