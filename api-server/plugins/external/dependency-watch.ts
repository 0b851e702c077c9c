import { setImmediate, setTimeout } from 'node:timers/promises'

/** A wait is made of parts of this length. */
const turnMilliseconds = 50

export interface WatchOptions {
  /** Asks for any answer. It may hang: then it counts as none. */
  ping: () => Promise<unknown>
  onAway: (error: unknown) => void
  onBack: () => void
  /** From an answer to the next question. */
  intervalMilliseconds?: number
  /** Whoever has not answered by then is away; only time in which this process gets its turns counts. */
  timeoutMilliseconds?: number
}

/** The server that was asked is away: it refuses, or does not answer. */
export class DependencyAwayError extends Error {
  override name = 'DependencyAwayError'
}

class LateError extends Error {}

/**
 * Knows whether a server answers, before a request has to find out: asked all the time, so that one that hangs is
 * known within a second, and one that is back as well. Whoever waits for it is told when it goes away.
 */
export class DependencyWatch {
  readonly #options: Required<WatchOptions>
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #stopping = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  readonly #first = Promise.withResolvers<void>()
  #isUp = false
  #lastAnswer = Number.NEGATIVE_INFINITY

  constructor(options: WatchOptions) {
    this.#options = { intervalMilliseconds: 200, timeoutMilliseconds: 750, ...options }
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  /** It has answered somebody: whoever answers others is not away, however long a question waits in its queue. */
  noteAnswer(): void {
    this.#lastAnswer = performance.now()
  }

  /** Resolves with the first answer, or after so long without one. */
  async firstAnswer(mostMilliseconds: number): Promise<void> {
    const waited = new AbortController()
    const signal = AbortSignal.any([waited.signal, this.#stopping.signal])
    const tired = setTimeout(mostMilliseconds, undefined, { signal }).catch(() => {}) // answered, or stopping
    await Promise.race([this.#first.promise, tired])
    waited.abort()
  }

  /** False before the first answer as well. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Infinite before the first answer. */
  get silentMilliseconds(): number {
    return performance.now() - this.#lastAnswer
  }

  /**
   * The work's result, unless the server goes away before: then the work ends by itself, and nobody waits for it.
   * @throws DependencyAwayError
   */
  whileUp<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#isUp) return Promise.reject(new DependencyAwayError())
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject))
    })
  }

  async #run(): Promise<void> {
    const { intervalMilliseconds, timeoutMilliseconds, onBack } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#ask()
        this.#lastAnswer = performance.now()
        if (!this.#isUp && !signal.aborted) onBack()
        this.#isUp = true
        this.#first.resolve()
      } catch (error) {
        if (signal.aborted) return
        const answersOthers = error instanceof LateError && this.silentMilliseconds < timeoutMilliseconds
        if (!answersOthers) this.#goAway(error)
      }
      await setTimeout(intervalMilliseconds, undefined, { signal }).catch(() => {}) // stopping
    }
  }

  #goAway(error: unknown): void {
    if (this.#isUp) this.#options.onAway(error)
    this.#isUp = false
    for (const reject of this.#waiting) reject(new DependencyAwayError('it does not answer', { cause: error }))
  }

  async #ask(): Promise<void> {
    const { ping, timeoutMilliseconds } = this.#options
    const asked = new AbortController()
    const answer = ping()
    answer.catch(() => {}) // it may fail long after nobody waits for it
    const signal = AbortSignal.any([asked.signal, this.#stopping.signal])
    const late = async () => {
      // A process that a busy machine lets wait is late for its own timers as well: a turn that took long is one turn.
      for (let left = timeoutMilliseconds; left > 0; left -= turnMilliseconds) {
        await setTimeout(Math.min(left, turnMilliseconds), undefined, { signal })
      }
      // An answer that is here already counts.
      await setImmediate()
      await setImmediate()
      throw new LateError(`no answer within ${timeoutMilliseconds} ms`)
    }
    try {
      await Promise.race([answer, late()])
    } finally {
      asked.abort()
    }
  }
}
