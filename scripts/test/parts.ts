import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Tally, tallyOf, type VitestReport } from './tally.ts'

const root = resolve(import.meta.dirname, '../..')

/** One part of the suite; cheaper parts come first. */
export interface Part {
  name: string
  /** Runs the part with its output on this terminal. `filters` restrict it to files whose path contains one of them. */
  run(filters: readonly string[]): Promise<Tally>
  /** Why this machine cannot run the part, as one sentence; undefined if it can. */
  unavailable?(): Promise<string | undefined>
  /** Runs only when it is named, because it needs special software or much time. */
  isOnDemand?: true
}

export const parts: readonly Part[] = [
  { name: 'types', run: () => check(['typescript/bin/tsc', '--noEmit', '--pretty']) },
  {
    name: 'lint',
    run: () =>
      check(
        ['@biomejs/biome/bin/biome', 'check', '.'],
        // Unused dependencies, files and exports.
        ['knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors'],
      ),
  },
  { name: 'unit', run: (filters) => vitest('unit', filters) },
  {
    name: 'integration',
    run: (filters) => vitest('integration', filters),
    unavailable: async () => (await import('../../tools/local-servers/binaries.ts')).unavailable(),
  },
  { name: 'browser', run: (filters) => vitest('browser', filters), isOnDemand: true },
  {
    name: 'e2e',
    run: (filters) => vitest('e2e', filters),
    unavailable: async () => (await import('../../tools/local-cluster/mode.ts')).unavailable(),
  },
  {
    name: 'chaos',
    run: (filters) => vitest('chaos', filters),
    unavailable: async () => (await import('../../tools/local-cluster/mode.ts')).unavailable(),
    isOnDemand: true,
  },
  {
    name: 'release',
    run: (filters) => vitest('release', filters),
    unavailable: async () => (await import('../../tools/local-cluster/mode.ts')).unavailable(),
    isOnDemand: true,
  },
]

/** Runs programs of dependencies one after the other, each with its arguments; each counts as one test. */
async function check(...commands: readonly (readonly [string, ...string[]])[]): Promise<Tally> {
  let passed = 0
  for (const [program, ...programArguments] of commands) {
    if ((await runNode(program, programArguments)) === 0) passed++
  }
  return { passed, failed: commands.length - passed, skipped: 0 }
}

async function vitest(project: string, filters: readonly string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-test-'))
  const reportFile = join(folder, 'report.json')
  try {
    const exitCode = await runNode('vitest/vitest.mjs', [
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...filters,
    ])
    return tallyOf(await readReport(reportFile), exitCode)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The report, or undefined if vitest ended before it wrote one. */
async function readReport(file: string): Promise<VitestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Runs a program of a dependency under this Node and resolves with its exit code. */
export function runNode(program: string, programArguments: readonly string[]): Promise<number> {
  return new Promise((resolveExit, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...programArguments], {
      cwd: root,
      stdio: 'inherit',
    })
    child.on('error', reject)
    child.on('exit', (code) => resolveExit(code ?? 1))
  })
}
