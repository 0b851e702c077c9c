import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Redis } from 'ioredis'
import { withDeadline } from '../../../with-deadline.ts'
import { Completeness } from './completeness.ts'
import type { Revocation, Revocations } from './revocation.ts'
import type { RevocationSet } from './revocation-set.ts'
import { openStream, publish, readStream } from './stream.ts'

/** Interval within which a revocation that Redis does not deliver is read from the database. */
const pollMilliseconds = 500
/**
 * Interval at which everything is read again, for changes that increments miss: changed clocks, a restored database.
 */
const rereadMilliseconds = 60_000
/**
 * A write may become visible this long after its timestamp: the duration of a transaction, and clock skew between
 * primaries.
 */
const overlapMilliseconds = 5_000
/** Delay between attempts to open the stream. */
const retryMilliseconds = 500

/**
 * Keeps the set complete from two independent sources: the database, which is polled for changes twice a second, and
 * the stream in Redis, which delivers them within milliseconds.
 */
export class RevocationSync {
  readonly #set: RevocationSet
  readonly #revocations: Revocations
  readonly #publisher: Redis
  readonly #reader: Redis
  readonly #log: FastifyBaseLogger
  readonly #completeness = new Completeness()
  readonly #first = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  /** Position in the changes. */
  #newest = new Date(0)
  #rereadAt = 0
  /** Position in the stream; undefined before the first read. */
  #lastId: string | undefined
  #isStreaming = false
  /** Redis may lack some entries after an outage, or if a server ended while it was publishing. */
  #replayIsDue = false

  constructor(set: RevocationSet, revocations: Revocations, redis: Redis, log: FastifyBaseLogger) {
    this.#set = set
    this.#revocations = revocations
    this.#publisher = redis
    // A separate connection, because it blocks in XREAD.
    this.#reader = redis.duplicate({ commandTimeout: 3_000, connectionName: 'authservice-revocations' })
    this.#reader.on('error', () => {}) // the loop handles it as a failed command
    this.#log = log
  }

  start(): void {
    this.#loops = Promise.all([
      this.#repeat('the database', pollMilliseconds, () => this.#readDatabase()),
      this.#repeat('the stream', retryMilliseconds, () => this.#followStream()),
    ])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#reader.disconnect()
    await this.#loops
  }

  /** Resolves after the first read of the database, or after this time. */
  firstRead(maxMilliseconds: number): Promise<void> {
    return withDeadline(maxMilliseconds, this.#first.promise)
  }

  /** An entry was not published to Redis; it will be later. */
  replay(): void {
    this.#replayIsDue = true
  }

  /** Time since the set was complete; infinite before the first time. */
  stalenessSeconds(): number {
    return (performance.now() - this.#completeness.completeAt) / 1000
  }

  async #repeat(source: string, pauseMilliseconds: number, work: () => Promise<void>): Promise<void> {
    let isUnavailable = false
    while (!this.#stopping.signal.aborted) {
      try {
        await work()
        if (isUnavailable) this.#log.info(`revocations: ${source} has recovered`)
        isUnavailable = false
      } catch (error) {
        if (!isUnavailable && !this.#stopping.signal.aborted) {
          this.#log.warn({ err: error }, `revocations: ${source} does not answer; retrying`)
        }
        isUnavailable = true
      }
      await setTimeout(pauseMilliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {}) // stopping
    }
  }

  async #readDatabase(): Promise<void> {
    const startedAt = performance.now()
    const isFullRead = startedAt >= this.#rereadAt
    const since = isFullRead ? new Date(0) : new Date(this.#newest.getTime() - overlapMilliseconds)
    // In order, which the set preserves.
    const changes = this.#revocations
      .find({ changedAt: { $gte: since }, tokensUntil: { $gt: new Date() } })
      .sort({ changedAt: 1 })
    for await (const revocation of changes) {
      this.#set.add(revocation)
      if (revocation.changedAt > this.#newest) this.#newest = revocation.changedAt
    }
    this.#completeness.databaseRead(startedAt)
    this.#first.resolve()
    if (isFullRead) {
      this.#set.forgetExpired(new Date())
      this.#rereadAt = startedAt + rereadMilliseconds
      this.#replayIsDue = true
    }
    if (this.#replayIsDue && this.#isStreaming) await this.#replay()
  }

  /** Until the connection breaks. */
  async #followStream(): Promise<void> {
    // Rejects with the error of the connection.
    if (this.#reader.status !== 'ready') await once(this.#reader, 'ready', { signal: this.#stopping.signal })
    try {
      const { lastId, hasGap } = await openStream(this.#reader, this.#lastId)
      this.#lastId = lastId
      this.#completeness.streamOpened(performance.now(), hasGap)
      this.#isStreaming = true
      this.#replayIsDue = true
      while (!this.#stopping.signal.aborted) {
        // Not the time of the response, which may have been delayed, by the network or by this process.
        const askedAt = performance.now()
        const batch = await readStream(this.#reader, this.#lastId)
        for (const revocation of batch.revocations) this.#set.add(revocation)
        this.#lastId = batch.lastId
        if (batch.isCaughtUp) this.#completeness.streamRead(askedAt)
      }
    } finally {
      this.#isStreaming = false
      // A hanging connection may stay so long after the network has recovered, because TCP waits longer and longer
      // between retries.
      if (this.#reader.status === 'ready') this.#reader.disconnect(true)
    }
  }

  /** Publishes to Redis what it has missed. Several servers may do so: duplicates are harmless. */
  async #replay(): Promise<void> {
    // Before it begins, because this read may not contain what Redis misses from now on.
    this.#replayIsDue = false
    let isDone = false
    try {
      isDone = await this.#tellUnpublished()
    } finally {
      if (!isDone) this.#replayIsDue = true
    }
  }

  /** @returns false when Redis became unavailable meanwhile */
  async #tellUnpublished(): Promise<boolean> {
    for await (const revocation of this.#revocations.find({ unpublished: true })) {
      try {
        await publish(this.#publisher, revocation)
      } catch (error) {
        this.#log.debug({ err: error }, 'revocations: Redis is unavailable again; entries stay unpublished')
        return false
      }
      await markPublished(this.#revocations, revocation)
    }
    return true
  }
}

/** Unless the entry has changed since. */
export async function markPublished(revocations: Revocations, { _id, changedAt }: Revocation): Promise<void> {
  await revocations.updateOne({ _id, changedAt }, { $unset: { unpublished: '' } })
}
