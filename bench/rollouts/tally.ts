import { LatencyRecorder } from '../../tools/load/percentiles.ts'
import { rounded } from '../statistics.ts'
import type { Judgement, RequestKind } from './judge.ts'

/** A request that ended, with the details that help to find the cause of a failure. */
export interface RequestRecord {
  /** When it was due, ISO 8601. */
  at: string
  kind: RequestKind
  /** How the client connected, such as `new connection`. */
  connection: string
  /** From the time it was due until it ended. */
  milliseconds: number
  /** Milliseconds from the due time until the client sent it. A high value means that the client lacked CPU time. */
  sentAfter: number
  /** The request ID in the logs of the edge and the server. */
  requestId: string
  /** The state of the rollout, such as `Promoting, traffic on blue`. */
  during: string
}

/** A request that failed. */
export interface Failure extends RequestRecord {
  why: string
}

/** Counts the requests of one scenario. */
export class Tally {
  requests = 0
  refusedLogins = 0
  readonly failures: Failure[] = []
  readonly #verify = new LatencyRecorder()
  readonly #control = new LatencyRecorder()

  add(judgement: Judgement, request: RequestRecord): void {
    this.requests++
    if (request.kind === 'verify') this.#verify.record(request.milliseconds)
    if (judgement.result === 'refused') this.refusedLogins++
    if (judgement.result === 'failed') this.failures.push({ ...request, why: judgement.why })
  }

  /** Counts an answer of the control server, in milliseconds from the time the request was due. */
  addControl(milliseconds: number): void {
    this.#control.record(milliseconds)
  }

  /** p99 of the control server, in milliseconds. */
  get controlP99Milliseconds(): number {
    return this.#control.percentiles().p99
  }

  /** p99 of verification in milliseconds; failed requests count. */
  get p99Milliseconds(): number {
    return this.#verify.percentiles().p99
  }
}

/** How a scenario ended. */
export interface Outcome {
  /** One or two words, such as `Promoted`. */
  outcome: string
  /** From the command until the scenario's end. */
  seconds: number
  /** Further measurements, by their field in the result. */
  figures?: Record<string, number>
}

/** A scenario as the last line of the bench shows it. */
export interface ScenarioResult {
  name: string
  requests: number
  failed: number
  p99_ms: number
  /** p99 of a bare HTTP server on the same machine at the same time. */
  p99_ms_control: number
  seconds: number
  outcome: string
  [figure: string]: number | string
}

export function resultOf(name: string, tally: Tally, outcome: Outcome): ScenarioResult {
  return {
    name,
    requests: tally.requests,
    failed: tally.failures.length,
    p99_ms: rounded(tally.p99Milliseconds),
    p99_ms_control: rounded(tally.controlP99Milliseconds),
    seconds: rounded(outcome.seconds),
    outcome: outcome.outcome,
    ...(tally.refusedLogins > 0 && { refused_logins: tally.refusedLogins }),
    ...Object.fromEntries(Object.entries(outcome.figures ?? {}).map(([figure, value]) => [figure, rounded(value)])),
  }
}
