import { performance } from 'node:perf_hooks'
import { Client } from 'undici'
import { LatencyRecorder, type Percentiles } from './percentiles.ts'
import { Queue } from './queue.ts'

export interface LoadRequest {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface LoadPlan {
  /** Scheme, host and port. */
  origin: string
  /** Sent one after the other, from the first again after the last. */
  requests: readonly LoadRequest[]
  ratePerSecond: number
  connections: number
  /** Sent at the same rate before anything counts. */
  warmUpSeconds: number
  durationSeconds: number
  /** PEM of the authority of the target's certificate; the system's authorities by default. */
  ca?: string
  /** Take any certificate. */
  insecure?: boolean
}

export interface LoadResult {
  /** Answers and failures that count: those of requests that were due after the warm-up. */
  requests: number
  answersPerSecond: number
  statuses: Record<string, number>
  /** Requests without an answer, by the code of the error. */
  failures: Record<string, number>
  /** From the moment at which a request was due: a stall of the target counts for every request that it delayed. */
  latency: Percentiles
  /** From the moment at which this process got to it; the same, without the inaccuracy of this process's timers. */
  response: Percentiles
  generator: {
    /** Share of one core that this process used. */
    cpuShare: number
    /** How late it got to requests that were due: 1 ms is a timer's, more means that it was starved. */
    lateness: Percentiles
  }
  /** Why it ended before its time. */
  stoppedBecause?: string
}

const answerTimeoutMilliseconds = 10_000
/** So many seconds' worth of requests may wait for a free connection; then the target has not kept up. */
const mostWaitingSeconds = 2

/**
 * Sends requests at a constant rate however fast they are answered, as wrk2 does: a closed loop would send less to a
 * target that stalls, and so miss the worst of it (coordinated omission).
 *
 * @param signal ends it early, with what was measured until then
 */
export async function runConstantRate(plan: LoadPlan, signal?: AbortSignal): Promise<LoadResult> {
  const load = new ConstantRateLoad(plan)
  try {
    await load.connect()
    return await load.run(signal)
  } finally {
    await load.close()
  }
}

class ConstantRateLoad {
  readonly #plan: LoadPlan
  readonly #clients: Client[]
  /** First in, first out, so that every connection is used. */
  readonly #idle: Queue<Client>
  readonly #waiting = new Queue<{ due: number; noticed: number }>()
  readonly #latency = new LatencyRecorder()
  readonly #response = new LatencyRecorder()
  readonly #lateness = new LatencyRecorder()
  readonly #statuses: Record<string, number> = {}
  readonly #failures: Record<string, number> = {}
  #next = 0
  #outstanding = 0
  #countFrom = Number.POSITIVE_INFINITY

  constructor(plan: LoadPlan) {
    this.#plan = plan
    const connect = {
      ...(plan.ca !== undefined && { ca: plan.ca }),
      ...(plan.insecure === true && { rejectUnauthorized: false }),
    }
    this.#clients = Array.from(
      { length: plan.connections },
      () =>
        new Client(plan.origin, {
          connect,
          pipelining: 1,
          headersTimeout: answerTimeoutMilliseconds,
          bodyTimeout: answerTimeoutMilliseconds,
        }),
    )
    this.#idle = new Queue(this.#clients)
  }

  /** Opens every connection, a few at a time. @throws when the target cannot be reached */
  async connect(): Promise<void> {
    const [{ path, headers } = { path: '/', headers: {} }] = this.#plan.requests
    const left = this.#clients.values()
    const openRest = async () => {
      for (const client of left) await (await client.request({ method: 'GET', path, headers })).body.dump()
    }
    await Promise.all(Array.from({ length: 32 }, openRest))
  }

  async run(signal: AbortSignal | undefined): Promise<LoadResult> {
    const { ratePerSecond, warmUpSeconds, durationSeconds } = this.#plan
    const started = performance.now()
    this.#countFrom = started + warmUpSeconds * 1000
    const ends = this.#countFrom + durationSeconds * 1000
    const interval = 1000 / ratePerSecond
    let cpuBefore = process.cpuUsage()
    let isWarm = false
    let stoppedBecause: string | undefined

    for (let due = started; due < ends; ) {
      const now = performance.now()
      if (!isWarm && now >= this.#countFrom) {
        isWarm = true
        cpuBefore = process.cpuUsage()
      }
      for (; due <= now && due < ends; due += interval) this.#release(due, now)
      stoppedBecause = this.#reasonToStop(signal)
      if (stoppedBecause !== undefined) break
      await timer(due - performance.now())
    }
    // Ended in its warm-up, it has measured nothing.
    const measuredSeconds = Math.max(0, (Math.min(performance.now(), ends) - this.#countFrom) / 1000)
    const { user, system } = process.cpuUsage(cpuBefore)
    await this.#untilAnswered(stoppedBecause !== undefined)
    return this.#result(measuredSeconds, (user + system) / 1e6, stoppedBecause)
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.destroy()))
  }

  #release(due: number, now: number): void {
    if (due >= this.#countFrom) this.#lateness.record(now - due)
    const client = this.#idle.take()
    if (client === undefined) this.#waiting.add({ due, noticed: now })
    else this.#send(client, due, now)
  }

  #send(client: Client, due: number, noticed: number): void {
    const request = this.#plan.requests[this.#next++ % this.#plan.requests.length]
    if (request === undefined) throw new Error('a load plan has one request at least')
    this.#outstanding++
    let status = 0
    client.dispatch(
      { ...request, body: request.body ?? null },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, statusCode) => {
          status = statusCode
        },
        onResponseData: () => {},
        onResponseEnd: () => {
          const now = performance.now()
          if (due >= this.#countFrom) {
            this.#latency.record(now - due)
            this.#response.record(now - noticed)
            count(this.#statuses, String(status))
          }
          this.#free(client)
        },
        onResponseError: (_controller, error) => {
          if (due >= this.#countFrom) count(this.#failures, 'code' in error ? String(error.code) : error.name)
          this.#free(client)
        },
      },
    )
  }

  #free(client: Client): void {
    this.#outstanding--
    const next = this.#waiting.take()
    if (next === undefined) this.#idle.add(client)
    else this.#send(client, next.due, next.noticed)
  }

  #reasonToStop(signal: AbortSignal | undefined): string | undefined {
    if (signal?.aborted === true) return 'it was interrupted'
    if (this.#waiting.length <= this.#plan.ratePerSecond * mostWaitingSeconds) return undefined
    return `the target did not keep up: requests worth ${mostWaitingSeconds} s waited for a free connection`
  }

  /** What is due gets its time; but a load that ends early sends nothing more. */
  async #untilAnswered(isEarly: boolean): Promise<void> {
    const deadline = performance.now() + answerTimeoutMilliseconds + 1_000
    if (isEarly) this.#giveUpWaiting()
    while (this.#outstanding > 0 && performance.now() < deadline) await timer(5)
    this.#giveUpWaiting()
    if (this.#outstanding > 0) this.#failures['NO_ANSWER'] = this.#outstanding
  }

  #giveUpWaiting(): void {
    for (let waiting = this.#waiting.take(); waiting !== undefined; waiting = this.#waiting.take()) {
      if (waiting.due >= this.#countFrom) count(this.#failures, 'NEVER_SENT')
    }
  }

  #result(measuredSeconds: number, cpuSeconds: number, stoppedBecause: string | undefined): LoadResult {
    const answers = Object.values(this.#statuses).reduce((sum, each) => sum + each, 0)
    const failures = Object.values(this.#failures).reduce((sum, each) => sum + each, 0)
    return {
      requests: answers + failures,
      answersPerSecond: measuredSeconds === 0 ? 0 : answers / measuredSeconds,
      statuses: this.#statuses,
      failures: this.#failures,
      latency: this.#latency.percentiles(),
      response: this.#response.percentiles(),
      generator: {
        cpuShare: measuredSeconds === 0 ? 0 : cpuSeconds / measuredSeconds,
        lateness: this.#lateness.percentiles(),
      },
      ...(stoppedBecause !== undefined && { stoppedBecause }),
    }
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}

function timer(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)))
}
