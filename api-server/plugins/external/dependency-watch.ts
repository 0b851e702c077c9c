import { setImmediate } from 'node:timers/promises'
import { withDeadline } from '../../with-deadline.ts'

export interface WatchOptions {
  /** Sends a ping. If it hangs, it counts as no answer. */
  ping: () => Promise<unknown>
  onDown: (error: unknown) => void
  onUp: () => void
  /**
   * Interval at which the watch checks whether a ping is due. A waiting request waits this long before a ping is sent.
   */
  checkMilliseconds?: number
  /** After this time without an answer, a ping is due even if no request waits. */
  idlePingMilliseconds?: number
  /** A server that has not answered by then is unavailable. Only time in which this process runs counts. */
  timeoutMilliseconds?: number
}

/** The server is unavailable: it refuses connections or does not answer. */
export class DependencyUnavailableError extends Error {
  override name = 'DependencyUnavailableError'
}

/**
 * Determines whether a server is available. Any answer to a request shows that it is. Without answers, the watch sends
 * pings: immediately while a request waits, so that it detects a hanging server within a second, and occasionally
 * otherwise. Waiting requests fail when the server becomes unavailable.
 */
export class DependencyWatch {
  readonly #options: Required<WatchOptions>
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #first = Promise.withResolvers<void>()
  #checks: NodeJS.Timeout | undefined
  /** The ping in progress, and the number of checks since it was sent. */
  #pinging: { checks: number } | undefined
  /** A request was sent after the last answer. */
  #isAnswerDue = false
  /**
   * The server refused a command. Only a ping of the watch can show whether it is usable; answers to other requests
   * cannot.
   */
  #isUncertain = false
  #isUp = false
  #lastAnswer = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #failure: unknown

  constructor(options: WatchOptions) {
    this.#options = { checkMilliseconds: 100, idlePingMilliseconds: 1_000, timeoutMilliseconds: 700, ...options }
  }

  start(): void {
    this.#checks = setInterval(() => this.#check(), this.#options.checkMilliseconds)
    this.#ping()
  }

  /** Sends no more pings, and resolves `firstAnswer`. */
  stop(): void {
    clearInterval(this.#checks)
    this.#pinging = undefined
    this.#first.resolve()
  }

  /** A request outside of `whileUp` waits for an answer. */
  noteRequest(): void {
    this.#isAnswerDue = true
  }

  /** The server has answered a request, so it is available, even if a ping still waits in its queue. */
  noteAnswer(): void {
    this.#lastAnswer = performance.now()
    this.#isAnswerDue = false
  }

  /** The server refused a command, so answers to other requests prove nothing: the next check sends a ping. */
  noteRefusal(): void {
    this.#isUncertain = true
  }

  /** An attempt to reach the server outside of the watch has failed, such as connecting. */
  noteFailure(error: unknown): void {
    if (!this.#isUp) this.#failure = error
  }

  /** Resolves with the first answer, or after this time without one. */
  firstAnswer(maxMilliseconds: number): Promise<void> {
    return withDeadline(maxMilliseconds, this.#first.promise)
  }

  /** Also false before the first answer. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Error of the last attempt; undefined after an answer. */
  get failure(): unknown {
    return this.#failure
  }

  /** Infinite before the first answer. */
  get silentMilliseconds(): number {
    return performance.now() - this.#lastAnswer
  }

  /**
   * The result of the work, unless the server becomes unavailable first. The work then continues, but no request waits
   * for it.
   * @throws DependencyUnavailableError
   */
  whileUp<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#isUp) return Promise.reject(new DependencyUnavailableError())
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject))
    })
  }

  /** A process that a busy machine has delayed runs this once for all missed intervals. */
  #check(): void {
    const { checkMilliseconds, timeoutMilliseconds } = this.#options
    const ping = this.#pinging
    if (ping === undefined) {
      if (this.#isDue()) this.#ping()
      return
    }
    ping.checks++
    if (ping.checks * checkMilliseconds >= timeoutMilliseconds) void this.#timeOut(ping)
  }

  #isDue(): boolean {
    const { checkMilliseconds, idlePingMilliseconds } = this.#options
    if (!this.#isUp) return performance.now() - this.#failedAt >= checkMilliseconds
    if (this.#isUncertain) return true
    const isAwaited = this.#isAnswerDue || this.#waiting.size > 0
    return this.silentMilliseconds >= (isAwaited ? checkMilliseconds : idlePingMilliseconds)
  }

  #ping(): void {
    const ping = { checks: 0 }
    this.#pinging = ping
    this.#isUncertain = false
    this.#options.ping().then(
      () => {
        if (this.#finish(ping)) this.#answered()
      },
      (error: unknown) => {
        if (this.#finish(ping)) this.#fail(error)
      },
    )
  }

  /** @returns false if the ping has already timed out, or the watch was stopped */
  #finish(ping: object): boolean {
    const isOurs = this.#pinging === ping
    if (isOurs) this.#pinging = undefined
    return isOurs
  }

  #answered(): void {
    this.noteAnswer()
    this.#failure = undefined
    if (!this.#isUp) this.#options.onUp()
    this.#isUp = true
    this.#first.resolve()
  }

  async #timeOut(ping: object): Promise<void> {
    // An answer that has already arrived counts.
    await setImmediate()
    await setImmediate()
    const { timeoutMilliseconds } = this.#options
    if (!this.#finish(ping) || this.silentMilliseconds < timeoutMilliseconds) return
    this.#fail(new Error(`no answer within ${timeoutMilliseconds} ms`))
  }

  #fail(error: unknown): void {
    this.#failedAt = performance.now()
    this.#failure = error
    if (this.#isUp) this.#options.onDown(error)
    this.#isUp = false
    for (const reject of this.#waiting) reject(new DependencyUnavailableError('no answer', { cause: error }))
  }
}
