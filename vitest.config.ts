import { defineConfig, type TestProjectConfiguration } from 'vitest/config'

/** Files of a folder that share a cluster and an operator, one after the other. */
function onCluster(name: string): TestProjectConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      globalSetup: [`test/${name}/global-setup.ts`],
      fileParallelism: false,
      testTimeout: 400_000,
      hookTimeout: 600_000,
    },
  }
}

/**
 * Three kinds of test, by what they need: nothing (unit, beside the code), servers on this machine
 * (integration: mongod, redis-server, kube-apiserver), a whole cluster (e2e; chaos, what breaks a rollout on purpose).
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      include: ['operator/**/*.ts', 'api-server/**/*.ts', 'cli/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.generated.ts'],
      // What a test starts as a process of its own counts as well.
      autoAttachSubprocess: true,
      reporter: ['html', 'json-summary'],
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{operator,api-server,cli,scripts,test/cluster,test/servers,test/bad-versions,test/bench,test/load}/**/*.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/servers/global-setup.ts', 'test/integration/api-server/contract/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/servers/global-setup.ts', 'test/integration/api-server/contract/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      onCluster('e2e'),
      onCluster('chaos'),
    ],
  },
})
