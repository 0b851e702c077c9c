import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { exceptions } from './exceptions.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where each test file leaves which answers it has seen, and which were described to it. */
    answersFolder: string
  }
}

/** What one test file leaves. */
export interface AnswersOfFile {
  described: string[]
  seen: string[]
}

const tests = resolve(import.meta.dirname, '..')

/**
 * After a whole run: what `/openapi.json` describes must have been seen in some test, or `exceptions` says why not. When
 * only some of the files ran there is nothing to say.
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
    if (missing.length > 0 && process.env['CI'] === 'true') {
      throw new Error(`Whether every described answer was seen is not known: nothing was left by ${missing.join(', ')}`)
    }
    if (missing.length > 0) return
    const faults = neverSeen(answers)
    if (faults.length > 0) throw new Error(`The API description does not fit what was seen:\n${faults.join('\n')}`)
  }
}

/** What it sees is chance. */
const fuzzer = 'fuzz.test.ts'

async function filesWithApps(): Promise<string[]> {
  const names = (await readdir(tests)).filter((name) => name.endsWith('.test.ts') && name !== fuzzer)
  const texts = await Promise.all(names.map((name) => readFile(join(tests, name), 'utf8')))
  return names.filter((_, index) => texts[index]?.includes('/app-for-test.ts'))
}

/** @returns what is described and was not seen, and exceptions that are none */
export function neverSeen(answers: readonly AnswersOfFile[], known = exceptions): string[] {
  const seen = new Set(answers.flatMap((file) => file.seen))
  const described = new Set(answers.flatMap((file) => file.described))
  const anyOf = (answer: string) => answer.replace(/^\S+/, '*')
  const used = new Set([...described].flatMap((answer) => [answer, anyOf(answer)]))
  return [
    ...[...described]
      .filter((answer) => !seen.has(answer) && known[answer] === undefined && known[anyOf(answer)] === undefined)
      .sort()
      .map((answer) => `${answer}: described, and no test has seen it`),
    ...Object.keys(known)
      .filter((answer) => seen.has(answer) || !used.has(answer))
      .map((answer) => `${answer}: an exception that is none`),
  ]
}

async function readAnswers(file: string): Promise<AnswersOfFile> {
  return JSON.parse(await readFile(file, 'utf8'))
}
