import { setImmediate } from 'node:timers/promises'
import { atMost } from '../../at-most.ts'

export interface WatchOptions {
  /** Asks for any answer. It may hang: then it counts as none. */
  ping: () => Promise<unknown>
  onAway: (error: unknown) => void
  onBack: () => void
  /** Every so often it is looked whether a question is due. Whoever waits for an answer waits so long without a question. */
  turnMilliseconds?: number
  /** Without an answer for so long a question is due, even if nobody waits. */
  restMilliseconds?: number
  /** Whoever has not answered by then is away; only time in which this process gets its turns counts. */
  timeoutMilliseconds?: number
}

/** The server that was asked is away: it refuses, or does not answer. */
export class DependencyAwayError extends Error {
  override name = 'DependencyAwayError'
}

/**
 * Knows whether a server answers. The answers that others get are proof enough; while there are none it is asked: at
 * once when somebody waits for one, so that a server that hangs is known within a second, and now and then when nobody
 * does. Whoever waits for it is told when it goes away.
 */
export class DependencyWatch {
  readonly #options: Required<WatchOptions>
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #first = Promise.withResolvers<void>()
  #turns: NodeJS.Timeout | undefined
  /** Ours, on its way: how many turns it has taken. */
  #question: { turns: number } | undefined
  /** Somebody has asked since the last answer. */
  #isAsked = false
  #isUp = false
  #lastAnswer = Number.NEGATIVE_INFINITY
  #lastFailure = Number.NEGATIVE_INFINITY

  constructor(options: WatchOptions) {
    this.#options = { turnMilliseconds: 100, restMilliseconds: 1_000, timeoutMilliseconds: 700, ...options }
  }

  start(): void {
    this.#turns = setInterval(() => this.#turn(), this.#options.turnMilliseconds)
    this.#ask()
  }

  /** Nobody waits for a first answer any longer. */
  stop(): void {
    clearInterval(this.#turns)
    this.#question = undefined
    this.#first.resolve()
  }

  /** Somebody waits for an answer that is not work of `whileUp`. */
  noteQuestion(): void {
    this.#isAsked = true
  }

  /** It has answered somebody: whoever answers others is not away, however long a question waits in its queue. */
  noteAnswer(): void {
    this.#lastAnswer = performance.now()
    this.#isAsked = false
  }

  /** Resolves with the first answer, or after so long without one. */
  firstAnswer(mostMilliseconds: number): Promise<void> {
    return atMost(mostMilliseconds, this.#first.promise)
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

  /** A process that a busy machine lets wait has one turn for all that it missed. */
  #turn(): void {
    const { turnMilliseconds, timeoutMilliseconds } = this.#options
    const question = this.#question
    if (question === undefined) {
      if (this.#isDue()) this.#ask()
      return
    }
    question.turns++
    if (question.turns * turnMilliseconds >= timeoutMilliseconds) void this.#giveUp(question)
  }

  #isDue(): boolean {
    const { turnMilliseconds, restMilliseconds } = this.#options
    if (!this.#isUp) return performance.now() - this.#lastFailure >= turnMilliseconds
    const isAwaited = this.#isAsked || this.#waiting.size > 0
    return this.silentMilliseconds >= (isAwaited ? turnMilliseconds : restMilliseconds)
  }

  #ask(): void {
    const question = { turns: 0 }
    this.#question = question
    this.#options.ping().then(
      () => {
        if (this.#ends(question)) this.#answered()
      },
      (error: unknown) => {
        if (this.#ends(question)) this.#goAway(error)
      },
    )
  }

  /** False when that was given up, or the watch was stopped, before. */
  #ends(question: object): boolean {
    const isOurs = this.#question === question
    if (isOurs) this.#question = undefined
    return isOurs
  }

  #answered(): void {
    this.noteAnswer()
    if (!this.#isUp) this.#options.onBack()
    this.#isUp = true
    this.#first.resolve()
  }

  async #giveUp(question: object): Promise<void> {
    // An answer that is here already counts.
    await setImmediate()
    await setImmediate()
    const { timeoutMilliseconds } = this.#options
    if (!this.#ends(question) || this.silentMilliseconds < timeoutMilliseconds) return
    this.#goAway(new Error(`no answer within ${timeoutMilliseconds} ms`))
  }

  #goAway(error: unknown): void {
    this.#lastFailure = performance.now()
    if (this.#isUp) this.#options.onAway(error)
    this.#isUp = false
    for (const reject of this.#waiting) reject(new DependencyAwayError('it does not answer', { cause: error }))
  }
}
