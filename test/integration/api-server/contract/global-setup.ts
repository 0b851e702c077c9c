import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { exceptions } from './exceptions.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder where each test file writes the answers that it has observed, and those that were described. */
    answersFolder: string
  }
}

/** What one test file writes. */
export interface AnswersOfFile {
  described: string[]
  seen: string[]
}

const tests = resolve(import.meta.dirname, '..')

/**
 * After a complete run: fails unless a test has observed every answer that `/openapi.json` describes, or `exceptions`
 * has a reason. Checks nothing when only some of the files ran.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-answers-'))
  project.provide('answersFolder', folder)
  return async () => {
    const left = (await readdir(folder)).filter((name) => name !== `${fuzzer}.json`)
    const answers = await Promise.all(left.map((name) => readAnswers(join(folder, name))))
    await rm(folder, { recursive: true })
    const files = await filesWithApps()
    const missing = files.filter((name) => !left.includes(`${name}.json`))
    if (missing.length > 0 && isWhole(project.name)) {
      throw new Error(`Unknown whether every described answer was observed: no result of ${missing.join(', ')}`)
    }
    if (missing.length > 0) return
    const faults = neverSeen(answers)
    if (faults.length > 0)
      throw new Error(`The API description differs from the observed answers:\n${faults.join('\n')}`)
  }
}

/** Whether `npm test` runs all tests of the auth server, and not only files that a command line names, or a browser's. */
function isWhole(projectName: string): boolean {
  return projectName === 'integration' && process.env['ALL_TESTS_OF_PART'] === 'true'
}

/** Its answers are random. */
const fuzzer = 'fuzz.test.ts'

async function filesWithApps(): Promise<string[]> {
  const names = (await readdir(tests)).filter((name) => name.endsWith('.test.ts') && name !== fuzzer)
  const texts = await Promise.all(names.map((name) => readFile(join(tests, name), 'utf8')))
  return names.filter((_, index) => texts[index]?.includes('/app-for-test.ts'))
}

/** @returns described answers that no test has observed, and needless exceptions */
export function neverSeen(answers: readonly AnswersOfFile[], known = exceptions): string[] {
  const seen = new Set(answers.flatMap((file) => file.seen))
  const described = new Set(answers.flatMap((file) => file.described))
  const anyOf = (answer: string) => answer.replace(/^\S+/, '*')
  const used = new Set([...described].flatMap((answer) => [answer, anyOf(answer)]))
  return [
    ...[...described]
      .filter((answer) => !seen.has(answer) && known[answer] === undefined && known[anyOf(answer)] === undefined)
      .sort()
      .map((answer) => `${answer}: described, but no test has observed it`),
    ...Object.keys(known)
      .filter((answer) => seen.has(answer) || !used.has(answer))
      .map((answer) => `${answer}: a needless exception`),
  ]
}

async function readAnswers(file: string): Promise<AnswersOfFile> {
  return JSON.parse(await readFile(file, 'utf8'))
}
