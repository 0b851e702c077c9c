/**
 * Time up to which a server's set of revocations is known to be complete. Times are milliseconds of one monotonic
 * clock.
 *
 * A read of the database makes the set complete as of its start. The stream alone keeps it complete only without a gap:
 * it counts from the first read of the database that began after the stream was opened.
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

  /** @param hasGap whether the stream may have lost entries */
  streamOpened(at: number, hasGap: boolean): void {
    if (!hasGap) return
    this.#openedAt = at
    this.#isBridged = false
  }

  /** @param askedAt when the stream was read; all earlier entries are known now */
  streamRead(askedAt: number): void {
    if (this.#isBridged) this.#completeAt = Math.max(this.#completeAt, askedAt)
  }
}
