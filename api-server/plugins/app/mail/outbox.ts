import { setTimeout } from 'node:timers/promises'

/** Result of a job. */
export type JobOutcome = 'sent' | 'failed' | 'dropped'

export interface OutboxOptions {
  /** Maximum number of concurrent jobs. */
  atATime: number
  /** Maximum number of waiting jobs; more are dropped. */
  maxWaiting: number
  /** Delays before the second, third, … attempt, in milliseconds. */
  retryAfter: readonly number[]
  /** Whether another attempt may succeed. */
  isWorthAnother(error: unknown): boolean
  onEnd(kind: string, outcome: JobOutcome, error?: unknown): void
}

interface Job {
  kind: string
  run(): Promise<void>
}

/**
 * Runs jobs after the answer to their request, so that sending a mail does not make the answer slower. Jobs are in
 * memory: if the process dies, they are lost, and users request the mail again.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiting: Job[] = []
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Never fails and never blocks. */
  add(kind: string, run: () => Promise<void>): void {
    if (this.#stopping.signal.aborted || this.#waiting.length >= this.#options.maxWaiting) {
      this.#options.onEnd(kind, 'dropped')
      return
    }
    this.#waiting.push({ kind, run })
    this.#next()
  }

  /** Resolves when no job is left. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Runs the remaining jobs without retries, for at most this time; the rest is dropped. */
  async stop(maxMilliseconds: number): Promise<void> {
    this.#stopping.abort()
    await Promise.race([this.idle(), setTimeout(maxMilliseconds, undefined, { ref: false })])
    for (const { kind } of this.#waiting.splice(0)) this.#options.onEnd(kind, 'dropped')
  }

  #next(): void {
    while (this.#running.size < this.#options.atATime) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      const running = this.#attempt(job).finally(() => {
        this.#running.delete(running)
        this.#next()
      })
      this.#running.add(running)
    }
  }

  async #attempt({ kind, run }: Job): Promise<void> {
    const { retryAfter, isWorthAnother, onEnd } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        await run()
        return onEnd(kind, 'sent')
      } catch (error) {
        const pause = retryAfter[attempt]
        if (pause === undefined || this.#stopping.signal.aborted || !isWorthAnother(error))
          return onEnd(kind, 'failed', error)
        // Ends early when the server stops. There is then one more attempt.
        await setTimeout(pause, undefined, { signal: this.#stopping.signal }).catch(() => {})
      }
    }
  }
}
