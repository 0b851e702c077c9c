/** The queue is full: the server has more log-ins than its processors can hash. */
export class QueueFullError extends Error {}

/**
 * Runs at most `inFlight` pieces of work at a time and lets at most `waiting` more wait, in their order.
 * bcrypt runs in libuv's pool, which DNS and file reads share: hashes must never fill it.
 */
export class HashQueue {
  readonly #inFlight: number
  readonly #mostWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor({ inFlight, waiting }: { inFlight: number; waiting: number }) {
    this.#inFlight = inFlight
    this.#mostWaiting = waiting
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws QueueFullError at once when there is no room to wait */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#inFlight) {
      if (this.#waiting.length >= this.#mostWaiting) throw new QueueFullError()
      // The one that ends hands its place over, so that nobody who comes meanwhile takes it.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
