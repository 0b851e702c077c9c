import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Redis } from 'ioredis'
import { atMost } from '../../../at-most.ts'
import { Completeness } from './completeness.ts'
import type { Revocation, Revocations } from './revocation.ts'
import type { RevocationSet } from './revocation-set.ts'
import { openStream, publish, readStream } from './stream.ts'

/** A revocation that Redis does not tell is read from the database within this. */
const pollMilliseconds = 500
/** Everything is read once more, for what no increment can show: clocks that were set, a restored database. */
const rereadMilliseconds = 60_000
/** A write may be seen so long after the time it bears: a transaction's age, and clocks of two primaries. */
const overlapMilliseconds = 5_000
/** Between attempts to open the stream. */
const retryMilliseconds = 500

/**
 * Keeps the set complete from two sides that do not need each other: the database is asked for what has changed, twice
 * a second, and the stream in Redis tells within milliseconds.
 */
export class RevocationFeed {
  readonly #set: RevocationSet
  readonly #revocations: Revocations
  readonly #publisher: Redis
  readonly #reader: Redis
  readonly #log: FastifyBaseLogger
  readonly #completeness = new Completeness()
  readonly #first = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  /** Of the changes that were read. */
  #newest = new Date(0)
  #rereadAt = 0
  /** Of the stream's entries that were read; undefined before the first time. */
  #lastId: string | undefined
  #isStreaming = false
  /** Redis may lack some: it was away, or it was told by a server that ended before it was done. */
  #replayIsDue = false

  constructor(set: RevocationSet, revocations: Revocations, redis: Redis, log: FastifyBaseLogger) {
    this.#set = set
    this.#revocations = revocations
    this.#publisher = redis
    // A connection of its own, because it waits in XREAD.
    this.#reader = redis.duplicate({ commandTimeout: 3_000, connectionName: 'authservice-revocations' })
    this.#reader.on('error', () => {}) // the loop sees it as a failed command
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

  /** Resolves when the database was read for the first time, or after so long. */
  firstRead(mostMilliseconds: number): Promise<void> {
    return atMost(mostMilliseconds, this.#first.promise)
  }

  /** Redis was not told of something: it will be. */
  replay(): void {
    this.#replayIsDue = true
  }

  /** How long ago the set was complete; infinite before the first time. */
  stalenessSeconds(): number {
    return (performance.now() - this.#completeness.completeAt) / 1000
  }

  async #repeat(source: string, pauseMilliseconds: number, work: () => Promise<void>): Promise<void> {
    let isAway = false
    while (!this.#stopping.signal.aborted) {
      try {
        await work()
        if (isAway) this.#log.info(`revocations: ${source} answers again`)
        isAway = false
      } catch (error) {
        if (!isAway && !this.#stopping.signal.aborted) {
          this.#log.warn({ err: error }, `revocations: ${source} does not answer; asked again until it does`)
        }
        isAway = true
      }
      await setTimeout(pauseMilliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {}) // stopping
    }
  }

  async #readDatabase(): Promise<void> {
    const startedAt = performance.now()
    const isWhole = startedAt >= this.#rereadAt
    const since = isWhole ? new Date(0) : new Date(this.#newest.getTime() - overlapMilliseconds)
    // In their order, which the set keeps.
    const changes = this.#revocations
      .find({ changedAt: { $gte: since }, tokensUntil: { $gt: new Date() } })
      .sort({ changedAt: 1 })
    for await (const revocation of changes) {
      this.#set.add(revocation)
      if (revocation.changedAt > this.#newest) this.#newest = revocation.changedAt
    }
    this.#completeness.databaseRead(startedAt)
    this.#first.resolve()
    if (isWhole) {
      this.#set.forgetExpired(new Date())
      this.#rereadAt = startedAt + rereadMilliseconds
      this.#replayIsDue = true
    }
    if (this.#replayIsDue && this.#isStreaming) await this.#replay()
  }

  /** Until the connection breaks. */
  async #followStream(): Promise<void> {
    // Rejects with what the connection failed of.
    if (this.#reader.status !== 'ready') await once(this.#reader, 'ready', { signal: this.#stopping.signal })
    try {
      const { lastId, hasGap } = await openStream(this.#reader, this.#lastId)
      this.#lastId = lastId
      this.#completeness.streamOpened(performance.now(), hasGap)
      this.#isStreaming = true
      this.#replayIsDue = true
      while (!this.#stopping.signal.aborted) {
        // Not when the answer came: it may have been on its way, or this process asleep, for long.
        const askedAt = performance.now()
        const news = await readStream(this.#reader, this.#lastId)
        for (const revocation of news.revocations) this.#set.add(revocation)
        this.#lastId = news.lastId
        if (news.isCaughtUp) this.#completeness.streamRead(askedAt)
      }
    } finally {
      this.#isStreaming = false
      // A connection that hangs may do so long after the network is well again, as TCP waits ever longer to try again.
      if (this.#reader.status === 'ready') this.#reader.disconnect(true)
    }
  }

  /** Tells Redis what it has missed. Several servers may do so: twice told is no harm. */
  async #replay(): Promise<void> {
    // Before it begins: what Redis misses from now on may not be among what is read here.
    this.#replayIsDue = false
    let isDone = false
    try {
      isDone = await this.#tellUnpublished()
    } finally {
      if (!isDone) this.#replayIsDue = true
    }
  }

  /** @returns false when Redis went away meanwhile */
  async #tellUnpublished(): Promise<boolean> {
    for await (const revocation of this.#revocations.find({ unpublished: true })) {
      try {
        await publish(this.#publisher, revocation)
      } catch (error) {
        this.#log.debug({ err: error }, 'revocations: Redis is away again, the marks stay')
        return false
      }
      await markPublished(this.#revocations, revocation)
    }
    return true
  }
}

/** Unless it has changed since. */
export async function markPublished(revocations: Revocations, { _id, changedAt }: Revocation): Promise<void> {
  await revocations.updateOne({ _id, changedAt }, { $unset: { unpublished: '' } })
}
