/**
 * Until when a server's set of revocations is known to hold all that there are. Times are milliseconds of one
 * monotonic clock.
 *
 * A read of the database makes the set complete as of its start. The stream alone keeps it so only where it has no
 * gap: it counts from the first read of the database that began after the stream was opened.
 */
export class Completeness {
  #completeAt = Number.NEGATIVE_INFINITY
  #openedAt = Number.POSITIVE_INFINITY
  #isBridged = false

  get completeAt(): number {
    return this.#completeAt
  }

  databaseRead(startedAt: number): void {
    this.#completeAt = Math.max(this.#completeAt, startedAt)
    if (startedAt >= this.#openedAt) this.#isBridged = true
  }

  /** @param hasGap whether something may have been told that is not in the stream any more */
  streamOpened(at: number, hasGap: boolean): void {
    if (!hasGap) return
    this.#openedAt = at
    this.#isBridged = false
  }

  /** @param askedAt when the stream was asked for what it had, all of which is known now */
  streamRead(askedAt: number): void {
    if (this.#isBridged) this.#completeAt = Math.max(this.#completeAt, askedAt)
  }
}
