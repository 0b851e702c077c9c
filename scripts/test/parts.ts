import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { failuresOf, type PartResult, tallyOf, type VitestReport } from './tally.ts'

const root = resolve(import.meta.dirname, '../..')

type PartOutcome = Pick<PartResult, 'tally' | 'failures'>

/** One part of the suite; cheaper parts come first. */
export interface Part {
  name: string
  /** Runs the part with its output on this terminal. `filters` restrict it to files whose path contains one of them. */
  run(filters: readonly string[]): Promise<PartOutcome>
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
  {
    name: 'browser',
    // The second project needs a cluster. Vitest starts one only if a selected file needs it.
    run: (filters) => vitest('browser*', filters),
    isOnDemand: true,
  },
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
    name: 'neighbours',
    // As above.
    run: (filters) => vitest('neighbours*', filters),
    unavailable: async () => (await import('../../tools/local-servers/binaries.ts')).unavailable(),
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
async function check(...commands: readonly (readonly [string, ...string[]])[]): Promise<PartOutcome> {
  const failures: string[] = []
  for (const [program, ...programArguments] of commands) {
    const { exitCode } = await runNode(program, programArguments)
    if (exitCode !== 0) failures.push(`${program} ended with exit code ${exitCode}; its output is above`)
  }
  const failed = failures.length
  return { tally: { passed: commands.length - failed, failed, skipped: 0 }, failures }
}

async function vitest(project: string, filters: readonly string[]): Promise<PartOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-test-'))
  const reportFile = join(folder, 'report.json')
  try {
    const { exitCode, errorOutput } = await runNode(
      'vitest/vitest.mjs',
      [
        'run',
        `--project=${project}`,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...filters,
      ],
      { ALL_TESTS_OF_PART: String(filters.length === 0) },
    )
    const report = await readReport(reportFile)
    return { tally: tallyOf(report, exitCode), failures: failuresOf(report, exitCode, errorOutput) }
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

/** Runs a program of a dependency under this Node, with its output on this terminal, and with additional variables. */
export function runNode(
  program: string,
  programArguments: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ exitCode: number; errorOutput: string }> {
  return new Promise((resolveExit, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...programArguments], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['inherit', 'inherit', 'pipe'],
    })
    let errorOutput = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text)
      errorOutput = (errorOutput + text).slice(-100_000)
    })
    child.on('error', reject)
    child.on('close', (code) => resolveExit({ exitCode: code ?? 1, errorOutput }))
  })
}
