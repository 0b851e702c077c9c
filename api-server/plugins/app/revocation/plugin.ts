import fp from 'fastify-plugin'
import { type ClientSession, ObjectId } from 'mongodb'
import { atMost } from '../../../at-most.ts'
import type { RevocationReason, Session } from '../sessions/session.ts'
import { markPublished, RevocationFeed } from './feed.ts'
import { recordSession, recordUser } from './record.ts'
import { type RevocableToken, type Revocation, revocationId } from './revocation.ts'
import { RevocationSet, revocationIdsOf } from './revocation-set.ts'
import { publish } from './stream.ts'

/** `unknown`: what this server knows is too old to answer. */
export type RevocationVerdict = 'active' | 'revoked' | 'unknown'

/** Further writes that belong to a revocation: all of them happen, or none. They may run more than once. */
export type Changes = (transaction: ClientSession) => Promise<unknown>

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Ends sessions: their refresh tokens at once, their access tokens on this server at once and on every other within
     * a second. Each call resolves when the database has it for good; when Redis is away the others read it there.
     */
    revocation: {
      /** Ends one session. Safe to repeat. @throws when MongoDB is away */
      revokeSession(sessionId: string, reason: RevocationReason, changes?: Changes): Promise<void>
      /**
       * Ends every session and every token that the user has now, and none that begins afterwards, be it in the same
       * millisecond. What must change together with it (the password, `is_active`, the whole user) goes into `changes`.
       * @param userId hex of the user's `_id` @throws when MongoDB is away, and what `changes` throws
       */
      revokeUser(userId: string, reason: RevocationReason, changes?: Changes): Promise<void>
      /**
       * The watermark of the user now: a new session carries it. Read it before the last look at whether the user may
       * come in, so that a revocation in between ends the session.
       */
      versionOf(userId: string): Promise<number>
      /**
       * Whether a token was revoked, for every request, after any cache. Answers from memory; only for tokens older than
       * what fits there it asks the database.
       */
      check(token: RevocableToken): RevocationVerdict | Promise<RevocationVerdict>
      /** Since when this server has had no news; infinite until it had the first. */
      stalenessSeconds(): number
    }
  }
}

/** The start does not wait longer: the server answers its probes while it waits for MongoDB. */
const mostStartMilliseconds = 1_000
/**
 * No answer waits longer until Redis has been told: the limits may have waited for one that hangs already, for as long
 * as its command time-out, and the others read what it does not tell in the database.
 */
const mostTellingMilliseconds = 200

export default fp(
  async function revocation(app) {
    const { accessTokenLifetimeSeconds, refreshTokenAbsoluteLifetimeSeconds, revocationMaxStalenessSeconds } =
      app.config
    const lifetimes = {
      accessSeconds: accessTokenLifetimeSeconds,
      absoluteSeconds: refreshTokenAbsoluteLifetimeSeconds,
    }
    const mostStaleness =
      app.config.revocationWhenStale === 'accept' ? Number.POSITIVE_INFINITY : revocationMaxStalenessSeconds
    // Whatever the URL says of reads: a secondary may lag behind, and would pass for complete.
    const revocations = app.mongo.db.collection<Revocation>('revocations', { readPreference: 'primary' })
    const collections = { revocations, sessions: app.mongo.db.collection<Session>('sessions') }
    const known = new RevocationSet()
    const feed = new RevocationFeed(known, revocations, app.redis, app.log)
    feed.start()
    await feed.firstRead(mostStartMilliseconds)
    app.addHook('onClose', () => feed.stop())

    const tell = (revocation: Revocation): Promise<void> => {
      known.add(revocation)
      app.metrics.revocations.inc({ scope: revocation.kind })
      return atMost(mostTellingMilliseconds, tellRedis(revocation))
    }
    const tellRedis = async (revocation: Revocation): Promise<void> => {
      try {
        await publish(app.redis, revocation)
      } catch (error) {
        feed.replay()
        app.securityEvents.record('revocation_degraded', { reason: error instanceof Error ? error.message : 'unknown' })
        return
      }
      // The mark that stays is for nothing but another telling.
      markPublished(revocations, revocation).catch((error) => app.log.debug({ err: error }, 'a mark stays'))
    }

    app.decorate('revocation', {
      async revokeSession(sessionId, reason, changes) {
        const revocation = await app.mongo.transaction(async (transaction) => {
          await changes?.(transaction)
          return recordSession(collections, sessionId, reason, lifetimes, transaction)
        })
        await tell(revocation)
      },
      async revokeUser(userId, reason, changes) {
        const revocation = await app.mongo.transaction(async (transaction) => {
          await changes?.(transaction)
          return recordUser(collections, new ObjectId(userId), reason, lifetimes, transaction)
        })
        await tell(revocation)
      },
      async versionOf(userId) {
        const found = await revocations.findOne({ _id: revocationId('user', userId) }, { projection: { watermark: 1 } })
        return found?.watermark ?? 0
      },
      check(token) {
        const verdict = known.check(token)
        if (verdict === 'revoked') return 'revoked'
        if (feed.stalenessSeconds() > mostStaleness) return 'unknown'
        return verdict === 'active' ? 'active' : lookUp(token)
      },
      stalenessSeconds: () => feed.stalenessSeconds(),
    })

    const lookUp = async (token: RevocableToken): Promise<RevocationVerdict> => {
      const { watch } = app.mongo
      if (!watch.isUp) return 'unknown'
      const found = await watch.whileUp(() => revocations.find({ _id: { $in: revocationIdsOf(token) } }).toArray())
      const isRevoked = found.some(({ kind, watermark }) => kind === 'session' || token.ver < watermark)
      return isRevoked ? 'revoked' : 'active'
    }
  },
  { name: 'revocation', dependencies: ['config', 'mongo', 'redis', 'metrics', 'security-events'] },
)
