import { performance } from 'node:perf_hooks'
import { Connection, type Outcome, type Target } from './connection.ts'
import { LatencyRecorder, type Percentiles } from './percentiles.ts'
import { Queue } from './queue.ts'

export interface LoadRequest {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface LoadPlan extends Target {
  /** Sent in turn, again from the first after the last. */
  requests: readonly LoadRequest[]
  ratePerSecond: number
  connections: number
  /** Sends at the same rate, without counting. */
  warmUpSeconds: number
  durationSeconds: number
}

export interface LoadResult {
  /** Answers and failures of requests that were due after the warm-up. */
  requests: number
  answersPerSecond: number
  statuses: Record<string, number>
  /** Requests without an answer, by error code. */
  failures: Record<string, number>
  /** From the moment at which a request was due: a stall of the target counts for every request that it delayed. */
  latency: Percentiles
  /** From the moment at which this process handled the request: without the inaccuracy of its timers. */
  response: Percentiles
  generator: {
    /** The share of one core that this process used. */
    cpuShare: number
    /**
     * How late this process handled due requests. 1 ms is the resolution of its timers; more means that it lacked CPU
     * time.
     */
    lateness: Percentiles
  }
  /** Why it stopped early. */
  stoppedBecause?: string
}

/** Outstanding requests may take this long at the end. A connection gives up after 10 s. */
const lastAnswersMilliseconds = 11_000
/** When requests for this many seconds wait for a free connection, the target has not kept up. */
const maxWaitingSeconds = 2

/**
 * Sends requests at a constant rate, regardless of how fast responses arrive, as wrk2 does. A closed loop sends fewer
 * requests to a target that stalls, and so misses the highest latencies (coordinated omission).
 *
 * @param signal stops the load; the result has what was measured until then
 */
export async function runConstantRate(plan: LoadPlan, signal?: AbortSignal): Promise<LoadResult> {
  const load = new ConstantRateLoad(plan)
  try {
    await load.connect()
    return await load.run(signal)
  } finally {
    load.close()
  }
}

class ConstantRateLoad {
  readonly #plan: LoadPlan
  /** The bytes of each request. Encoded once, because there are thousands per second. */
  readonly #requests: readonly [Buffer, ...Buffer[]]
  readonly #connections: Connection[]
  /** First in, first out, so that every connection is used. */
  readonly #idle: Queue<Connection>
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
    const [first, ...others] = plan.requests.map((request) => onTheWire(request, plan.origin))
    if (first === undefined) throw new Error('a load plan needs at least one request')
    this.#requests = [first, ...others]
    this.#connections = Array.from({ length: plan.connections }, () => new Connection(plan))
    this.#idle = new Queue(this.#connections)
  }

  /** Opens all connections, 32 at a time. @throws when the target is not reachable */
  async connect(): Promise<void> {
    const [{ path, headers } = { path: '/', headers: {} }] = this.#plan.requests
    const request = onTheWire({ method: 'GET', path, headers }, this.#plan.origin)
    const left = this.#connections.values()
    const openRest = async () => {
      for (const connection of left) {
        const outcome = await new Promise<Outcome>((done) => connection.send(request, done))
        if ('failure' in outcome) throw new Error(`${this.#plan.origin} is not reachable: ${outcome.failure}`)
      }
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
    // A load that stops during its warm-up has measured nothing.
    const measuredSeconds = Math.max(0, (Math.min(performance.now(), ends) - this.#countFrom) / 1000)
    const { user, system } = process.cpuUsage(cpuBefore)
    await this.#untilAnswered(stoppedBecause !== undefined)
    return this.#result(measuredSeconds, (user + system) / 1e6, stoppedBecause)
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  #release(due: number, now: number): void {
    if (due >= this.#countFrom) this.#lateness.record(now - due)
    const connection = this.#idle.take()
    if (connection === undefined) this.#waiting.add({ due, noticed: now })
    else this.#send(connection, due, now)
  }

  #send(connection: Connection, due: number, noticed: number): void {
    const request = this.#requests[this.#next++ % this.#requests.length] ?? this.#requests[0]
    this.#outstanding++
    connection.send(request, (outcome) => {
      if (due >= this.#countFrom) this.#record(outcome, due, noticed)
      this.#free(connection)
    })
  }

  #record(outcome: Outcome, due: number, noticed: number): void {
    if ('failure' in outcome) {
      count(this.#failures, outcome.failure)
      return
    }
    const now = performance.now()
    this.#latency.record(now - due)
    this.#response.record(now - noticed)
    count(this.#statuses, String(outcome.status))
  }

  #free(connection: Connection): void {
    this.#outstanding--
    const next = this.#waiting.take()
    if (next === undefined) this.#idle.add(connection)
    else this.#send(connection, next.due, next.noticed)
  }

  #reasonToStop(signal: AbortSignal | undefined): string | undefined {
    if (signal?.aborted === true) return 'it was interrupted'
    if (this.#waiting.length <= this.#plan.ratePerSecond * maxWaitingSeconds) return undefined
    return `the target did not keep up: requests worth ${maxWaitingSeconds} s waited for a free connection`
  }

  /** Waits for outstanding answers. A load that stops early sends nothing more. */
  async #untilAnswered(isEarly: boolean): Promise<void> {
    const deadline = performance.now() + lastAnswersMilliseconds
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

/** RFC 9112 section 3. */
function onTheWire({ method, path, headers, body }: LoadRequest, origin: string): Buffer {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const fields = Object.entries({ host: new URL(origin).host, ...headers, ...length })
  const head = [`${method} ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), '', '']
  return Buffer.from(head.join('\r\n') + (body ?? ''))
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}

function timer(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)))
}
