import { setTimeout } from 'node:timers/promises'

/** How a job ended. */
export type JobOutcome = 'sent' | 'failed' | 'dropped'

export interface OutboxOptions {
  /** Jobs that run at a time. */
  atATime: number
  /** Jobs that wait; more are dropped. */
  mostWaiting: number
  /** Before the second, third, … attempt, in milliseconds. */
  retryAfter: readonly number[]
  /** Whether another attempt may work. */
  isWorthAnother(error: unknown): boolean
  onEnd(kind: string, outcome: JobOutcome, error?: unknown): void
}

interface Job {
  kind: string
  run(): Promise<void>
}

/**
 * Does jobs after the answer of the request that caused them, so that no answer takes longer for somebody who gets a
 * mail than for somebody who does not. In memory: what waits when the process dies is lost, and asked for again.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiting: Job[] = []
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Never fails and never waits. */
  add(kind: string, run: () => Promise<void>): void {
    if (this.#stopping.signal.aborted || this.#waiting.length >= this.#options.mostWaiting) {
      this.#options.onEnd(kind, 'dropped')
      return
    }
    this.#waiting.push({ kind, run })
    this.#next()
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Does what it has, without another attempt, for at most so long; what is left then is dropped. */
  async stop(mostMilliseconds: number): Promise<void> {
    this.#stopping.abort()
    await Promise.race([this.idle(), setTimeout(mostMilliseconds, undefined, { ref: false })])
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
        // Ends early when the server stops: then there is one more attempt, and no other.
        await setTimeout(pause, undefined, { signal: this.#stopping.signal }).catch(() => {})
      }
    }
  }
}
