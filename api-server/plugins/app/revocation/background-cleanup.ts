import type { FastifyBaseLogger } from 'fastify'
import type { Collection } from 'mongodb'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import type { RevocationReason, Session } from '../sessions/session.ts'
import type { UserKey } from '../users/user-key.ts'

/** Number of documents in one write. */
const batchSize = 1_000

/**
 * Marks and removes in batches, in the background, what a user's watermark has already ended, because a user may have
 * any number of sessions, and a transaction has one second. If the server dies, the rest has still ended.
 */
export class BackgroundCleanup {
  readonly #sessions: Collection<Session>
  readonly #devices: Collection<KnownDevice>
  readonly #log: FastifyBaseLogger
  readonly #running = new Set<Promise<void>>()

  constructor(sessions: Collection<Session>, devices: Collection<KnownDevice>, log: FastifyBaseLogger) {
    this.#sessions = sessions
    this.#devices = devices
    this.#log = log
  }

  /** Resolves when the work is done, and never rejects. */
  afterWatermark(userId: UserKey, watermark: number, reason: RevocationReason): Promise<void> {
    return this.run('ended sessions could not be marked', async () => {
      await this.#forgetDevices(userId, watermark)
      await this.#markSessions(userId, watermark, reason)
    })
  }

  /** Runs work in the background. @param failure log message if it fails */
  run(failure: string, work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: unknown) => this.#log.warn({ err: error }, failure))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  /** Resolves when no job is left. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #markSessions(userId: UserKey, watermark: number, reason: RevocationReason): Promise<void> {
    const unmarked = { revokedAt: { $exists: false } }
    for (;;) {
      const ended = await this.#sessions
        .find({ userId, ...unmarked, version: { $lt: watermark } }, { projection: { _id: 1 } })
        .limit(batchSize)
        .toArray()
      if (ended.length === 0) return
      await this.#sessions.updateMany({ _id: { $in: ended.map(({ _id }) => _id) }, ...unmarked }, [
        { $set: { revokedAt: '$$NOW', revokedReason: reason } },
      ])
    }
  }

  async #forgetDevices(userId: UserKey, watermark: number): Promise<void> {
    const ended = {
      userId,
      $or: [{ version: { $lt: watermark } }, { version: { $exists: false }, lastUsedAt: { $lt: new Date(watermark) } }],
    }
    for (;;) {
      const devices = await this.#devices
        .find(ended, { projection: { _id: 1 } })
        .limit(batchSize)
        .toArray()
      if (devices.length === 0) return
      await this.#devices.deleteMany({ _id: { $in: devices.map(({ _id }) => _id) } })
    }
  }
}
