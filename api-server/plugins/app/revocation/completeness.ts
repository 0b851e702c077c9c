/**
 * Until when a server's set of revocations is known to hold all that there are. Times are milliseconds of one
 * monotonic clock.
 *
 * A read of the database makes the set complete as of its start. The stream alone keeps it so only where it has no
 * gap: it counts from the first read of the database that began after the stream was opened.
 */
export class Completeness {
  #completeAt = Number.NEGATIVE_INFINITY
  #streamOpenedAt: number | undefined
  #bridged = false

  get completeAt(): number {
    return this.#completeAt
  }

  databaseRead(startedAt: number): void {
    this.#completeAt = Math.max(this.#completeAt, startedAt)
    if (this.#streamOpenedAt !== undefined && startedAt >= this.#streamOpenedAt) this.#bridged = true
  }

  streamOpened(at: number): void {
    this.#streamOpenedAt = at
    this.#bridged = false
  }

  streamRead(at: number): void {
    if (this.#bridged) this.#completeAt = Math.max(this.#completeAt, at)
  }

  streamLost(): void {
    this.#streamOpenedAt = undefined
    this.#bridged = false
  }
}
