import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { loadAverage, measureSteal } from './machine.ts'
import { rounded } from './statistics.ts'

/** A measurement with its bound. */
export interface Target {
  name: string
  value: number
  atMost?: number
  atLeast?: number
}

/** Options that all benches of the server have. */
export interface BenchOptions {
  rounds: number
  seconds: number
  tokens: number
  /** Exit with 1 when a target is missed. */
  enforce: boolean
}

/** Reads the command line. @throws with the allowed values */
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
    rounds: integer('--rounds', values.rounds, 1, 100),
    seconds: integer('--seconds', values.seconds, 1, 120),
    tokens: integer('--tokens', values.tokens, 1_000, 1_000_000),
    enforce: values.enforce,
  }
}

function integer(option: string, text: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value
  throw new Error(`${option} must be an integer from ${lowest} to ${highest}, not "${text}".`)
}

/**
 * Prints what a bench measures, on which machine, and how busy that machine is.
 *
 * @returns prints how busy the machine was since then
 */
export function openReport(what: string): () => void {
  console.log(what)
  console.log(`Node ${process.versions.node} on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`)
  const busy = loadAverage()
  const advice = busy > 0.5 ? '. Other programs are running: trust ratios more than absolute figures.' : ''
  console.log(`Load average before: ${busy}${advice}`)
  const steal = measureSteal()
  return () => console.log(`Load average after: ${loadAverage()}; steal: ${steal().toFixed(1)} % of CPU time`)
}

/** Measurements by name, some for each kind of request. A curve has one set of measurements for each of its points. */
export type Figures = Record<string, number | Readonly<Record<string, number>> | readonly Record<string, number>[]>

/** Prints which targets are met, then the measurements as one line of JSON. */
export function closeReport(figures: Figures, targets: readonly Target[], enforce: boolean): void {
  printTargets(targets)
  if (enforce && !targets.every(isMet)) process.exitCode = 1
  console.log(JSON.stringify(figures, (_, value) => (typeof value === 'number' ? rounded(value) : value)))
}

/** Prints one line for each target. */
export function printTargets(targets: readonly Target[]): void {
  for (const target of targets) console.log(`${isMet(target) ? 'met   ' : 'MISSED'} ${describeTarget(target)}`)
}

export function isMet({
  value,
  atLeast = Number.NEGATIVE_INFINITY,
  atMost = Number.POSITIVE_INFINITY,
}: Target): boolean {
  return value >= atLeast && value <= atMost
}

function describeTarget({ name, value, atLeast, atMost }: Target): string {
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
  return `${name}: ${rounded(value)} (${bound})`
}
