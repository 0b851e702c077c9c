/** The clock of the queue: the real one, or one that a test moves. */
export interface Clock {
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** @returns a function that cancels it */
  after(milliseconds: number, run: () => void): () => void
}

export const realClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Delays between retries of one key. */
export interface Backoff {
  baseMilliseconds: number
  mostMilliseconds: number
}

/** client-go's defaults for controllers, with a shorter maximum delay. */
const defaultBackoff: Backoff = { baseMilliseconds: 5, mostMilliseconds: 300_000 }

/** Called for what happens in the queue, for metrics. */
export interface QueueObserver {
  depth(depth: number): void
  added(): void
  retried(): void
  waited(seconds: number): void
  worked(seconds: number): void
}

/**
 * A queue of keys with the semantics of client-go: it contains a key at most once, only one worker processes a key at a
 * time, and a key that is added while it is processed is processed again afterwards. Unlike in client-go, taking a key
 * also cancels its scheduled time.
 * @see https://pkg.go.dev/k8s.io/client-go/util/workqueue
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #random: () => number
  readonly #observe: Partial<QueueObserver>
  /** Waiting keys in order, with the time since which each waits. */
  readonly #waiting = new Map<string, number>()
  readonly #processing = new Map<string, number>()
  /** Keys that were added while they were processed. */
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { at: number; cancel: () => void }>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #shutDown = false

  constructor(
    options: { clock?: Clock; backoff?: Backoff; random?: () => number; observer?: Partial<QueueObserver> } = {},
  ) {
    this.#clock = options.clock ?? realClock
    this.#backoff = options.backoff ?? defaultBackoff
    this.#random = options.random ?? Math.random
    this.#observe = options.observer ?? {}
  }

  /** Number of keys that are waiting for a worker. */
  get depth(): number {
    return this.#waiting.size
  }

  add(key: string): void {
    if (this.#shutDown) return
    this.#cancelDelayed(key)
    if (this.#processing.has(key)) {
      if (!this.#again.has(key)) this.#observe.added?.()
      this.#again.add(key)
      return
    }
    if (this.#waiting.has(key)) return
    this.#observe.added?.()
    this.#waiting.set(key, this.#clock.now())
    this.#dispatch()
  }

  /**
   * Adds the key after the delay; if a key has several scheduled times, the earliest counts. Processing the key before
   * that time replaces it, because it sees the current state and schedules its own next time.
   */
  addAfter(key: string, milliseconds: number): void {
    if (this.#shutDown) return
    if (milliseconds <= 0) {
      this.add(key)
      return
    }
    const at = this.#clock.now() + milliseconds
    const planned = this.#delayed.get(key)
    if (planned !== undefined && planned.at <= at) return
    planned?.cancel()
    const cancel = this.#clock.after(milliseconds, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { at, cancel })
  }

  /**
   * Adds the key after a delay that doubles with each consecutive failure, plus a random amount of up to one half.
   * @param leastMilliseconds minimum delay that the API server requests
   */
  addRateLimited(key: string, leastMilliseconds = 0): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.#observe.retried?.()
    const { baseMilliseconds, mostMilliseconds } = this.#backoff
    const delay = Math.max(baseMilliseconds * 2 ** Math.min(failures, 30), leastMilliseconds)
    this.addAfter(key, Math.min(delay * (1 + this.#random() / 2), Math.max(mostMilliseconds, leastMilliseconds)))
  }

  /** Resets the number of failures of the key. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** Consecutive failures of the key. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** @returns the next key; undefined if the queue was shut down. The worker must return every key with `done`. */
  take(): Promise<string | undefined> {
    if (this.#shutDown) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#takers.push(resolve)
      this.#dispatch()
    })
  }

  /** The worker has finished with the key, with or without success. */
  done(key: string): void {
    const started = this.#processing.get(key)
    if (started === undefined) return
    this.#processing.delete(key)
    this.#observe.worked?.((this.#clock.now() - started) / 1000)
    if (!this.#again.delete(key) || this.#shutDown) return
    this.#waiting.set(key, this.#clock.now())
    this.#dispatch()
  }

  /** No further key is returned; keys in progress may finish. */
  shutDown(): void {
    this.#shutDown = true
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#waiting.clear()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }

  #dispatch(): void {
    while (this.#takers.length > 0) {
      const next = this.#waiting.entries().next()
      if (next.done === true) break
      const [key, since] = next.value
      const now = this.#clock.now()
      this.#waiting.delete(key)
      this.#cancelDelayed(key)
      this.#processing.set(key, now)
      this.#observe.waited?.((now - since) / 1000)
      this.#takers.shift()?.(key)
    }
    this.#observe.depth?.(this.#waiting.size)
  }

  #cancelDelayed(key: string): void {
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
  }
}
