import { LatencyRecorder } from '../../load/percentiles.ts'
import { rounded } from '../statistics.ts'
import type { Judgement, RequestKind } from './judge.ts'

/** A request that failed, with all that helps to find out why. */
export interface Failure {
  /** When it was due, ISO 8601. */
  at: string
  kind: RequestKind
  /** How it was connected, such as `new connection`. */
  connection: string
  why: string
  /** From when it was due to its end. */
  milliseconds: number
  /** Of that, until the client sent it: more than a few mean that the client itself waited for a processor. */
  sentAfter: number
  /** By which the logs of the edge and of the server know it. */
  requestId: string
  /** Where the rollout was, such as `Promoting, blue has the traffic`. */
  during: string
}

/** A request that was answered, well or not. */
export type Answered = Omit<Failure, 'why'>

/** How many of the slowest verifications of one scenario are kept. */
const mostSlow = 20

/** Counts the requests of one scenario. */
export class Tally {
  requests = 0
  refusedLogins = 0
  readonly failures: Failure[] = []
  /** The verifications that took longest, the longest first. */
  slowest: Answered[] = []
  readonly #verify = new LatencyRecorder()
  readonly #control = new LatencyRecorder()

  add(judgement: Judgement, request: Answered): void {
    this.requests++
    if (request.kind === 'verify') this.#addVerification(request)
    if (judgement.result === 'refused') this.refusedLogins++
    if (judgement.result === 'failed') this.failures.push({ ...request, why: judgement.why })
  }

  #addVerification(request: Answered): void {
    this.#verify.record(request.milliseconds)
    const isSlow = this.slowest.length < mostSlow || request.milliseconds > (this.slowest.at(-1)?.milliseconds ?? 0)
    if (!isSlow) return
    this.slowest = [...this.slowest, request].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, mostSlow)
  }

  /** An answer of the server beside the cluster, in milliseconds from when it was due. */
  addControl(milliseconds: number): void {
    this.#control.record(milliseconds)
  }

  /** Of the server beside the cluster, in milliseconds. */
  get controlP99Milliseconds(): number {
    return this.#control.percentiles().p99
  }

  /** Of verification, in milliseconds: 99 of 100 took at most so long, failed ones included. */
  get p99Milliseconds(): number {
    return this.#verify.percentiles().p99
  }
}

/** What a scenario came to. */
export interface Outcome {
  /** One word or two, such as `Promoted`. */
  outcome: string
  /** From the command to its end. */
  seconds: number
  /** What else was measured, by its name in the result. */
  figures?: Record<string, number>
}

/** A scenario as the last line of the bench has it. */
export interface ScenarioResult {
  name: string
  requests: number
  failed: number
  p99_ms: number
  p99_ms_quiet: number
  /** Of a bare server beside the cluster meanwhile, and in the quiet phases. */
  p99_ms_control: number
  p99_ms_control_quiet: number
  seconds: number
  outcome: string
  [figure: string]: number | string
}

export function resultOf(name: string, tally: Tally, quiet: Tally, outcome: Outcome): ScenarioResult {
  return {
    name,
    requests: tally.requests,
    failed: tally.failures.length,
    p99_ms: rounded(tally.p99Milliseconds),
    p99_ms_quiet: rounded(quiet.p99Milliseconds),
    p99_ms_control: rounded(tally.controlP99Milliseconds),
    p99_ms_control_quiet: rounded(quiet.controlP99Milliseconds),
    seconds: rounded(outcome.seconds),
    outcome: outcome.outcome,
    ...(tally.refusedLogins > 0 && { refused_logins: tally.refusedLogins }),
    ...Object.fromEntries(Object.entries(outcome.figures ?? {}).map(([figure, value]) => [figure, rounded(value)])),
  }
}
