import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Cores, takeLoadCore } from './cores.ts'
import { loadAverage } from './process-figures.ts'
import { rounded } from './statistics.ts'

/** A figure that a bench must reach. */
export interface Target {
  name: string
  value: number
  atMost?: number
  atLeast?: number
}

export interface BenchOptions {
  rounds: number
  seconds: number
  tokens: number
  /** A missed target is a failure. */
  enforce: boolean
}

/** Reads the options that benches have in common. @throws with what was expected */
export function benchOptions(defaults: Omit<BenchOptions, 'enforce'>): BenchOptions {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: String(defaults.rounds) },
      seconds: { type: 'string', default: String(defaults.seconds) },
      tokens: { type: 'string', default: String(defaults.tokens) },
      enforce: { type: 'boolean', default: false },
    },
  })
  return {
    rounds: whole('--rounds', values.rounds, 1, 100),
    seconds: whole('--seconds', values.seconds, 1, 120),
    tokens: whole('--tokens', values.tokens, 1_000, 1_000_000),
    enforce: values.enforce,
  }
}

function whole(option: string, text: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value
  throw new Error(`${option} wants a whole number from ${lowest} to ${highest}, not "${text}".`)
}

/** Says where the bench runs and how busy that machine is already. */
export function openReport(what: string): Cores {
  const busy = loadAverage()
  const cores = takeLoadCore()
  console.log(what)
  console.log(`Node ${process.versions.node} on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`)
  console.log(
    cores.server === undefined
      ? 'The server and its load share the processors: one core, or no taskset. The figures say less.'
      : `The server is on core ${cores.server}; the load, MongoDB and Redis are on core ${cores.load}.`,
  )
  console.log(
    `Load average before: ${busy}${busy > 0.5 ? '. Something else runs here: expect noise, and trust ratios most.' : ''}`,
  )
  return cores
}

/** What was measured, by name; a curve has figures of its own for each of its points. */
export type Figures = Record<string, number | readonly Record<string, number>[]>

/** Says which targets are met, then the figures as one line of JSON, the last one. */
export function closeReport(figures: Figures, targets: readonly Target[], enforce: boolean): void {
  console.log(`Load average after: ${loadAverage()}`)
  sayTargets(targets)
  if (enforce && !targets.every(isMet)) process.exitCode = 1
  console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? rounded(value) : value)))
}

/** One line for each. */
export function sayTargets(targets: readonly Target[]): void {
  for (const target of targets) console.log(`${isMet(target) ? 'met   ' : 'MISSED'} ${sentence(target)}`)
}

export function isMet({
  value,
  atLeast = Number.NEGATIVE_INFINITY,
  atMost = Number.POSITIVE_INFINITY,
}: Target): boolean {
  return value >= atLeast && value <= atMost
}

function sentence({ name, value, atLeast, atMost }: Target): string {
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
  return `${name}: ${rounded(value)} (${bound})`
}
