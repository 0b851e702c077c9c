/** Stores a batch permanently. */
type WriteBatch<Entry> = (batch: Entry[]) => Promise<void>

export interface BufferOptions<Entry> {
  /** Maximum number of entries that wait; the oldest are dropped for new ones. */
  most: number
  /** Number of entries in a batch. */
  batch: number
  /** Minimum time between two batches, and before a retry. */
  everyMilliseconds: number
  write: WriteBatch<Entry>
  onDropped(count: number): void
  /** Called once for each outage. */
  onFailure(error: unknown): void
}

/**
 * Accepts entries at once and writes them later, in batches, one at a time. It never blocks and never fails: entries
 * that do not fit while the database is unavailable are dropped and counted.
 */
export class EventBuffer<Entry> {
  readonly #options: BufferOptions<Entry>
  #entries: Entry[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #isFailing = false

  constructor(options: BufferOptions<Entry>) {
    this.#options = options
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    this.#drop()
    this.#later()
  }

  /** Writes the waiting entries in one attempt, and resolves in any case. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#writeNext()
  }

  /** After the batches that are being written, however long they take. */
  #writeNext(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeAll())
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#entries.length > 0) {
      const batch = this.#entries.splice(0, this.#options.batch)
      try {
        await this.#options.write(batch)
        this.#isFailing = false
      } catch (error) {
        this.#entries.unshift(...batch)
        this.#drop()
        if (!this.#isFailing) this.#options.onFailure(error)
        this.#isFailing = true
        return this.#later()
      }
    }
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#writeNext()
    }, this.#options.everyMilliseconds).unref()
  }

  #drop(): void {
    const tooMany = this.#entries.length - this.#options.most
    if (tooMany <= 0) return
    this.#entries.splice(0, tooMany)
    this.#options.onDropped(tooMany)
  }
}
