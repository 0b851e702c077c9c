import fp from 'fastify-plugin'
import type { ClientSession } from 'mongodb'
import { withDeadline } from '../../../with-deadline.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import { problem } from '../problems/problem.ts'
import type { RevocationReason, Session } from '../sessions/session.ts'
import { excessSessions, maxSessions } from '../sessions/session-list.ts'
import { parseUserKey, type UserKey } from '../users/user-key.ts'
import { BackgroundCleanup } from './background-cleanup.ts'
import { markSessionsToTell, recordSession, recordUser } from './record.ts'
import { type RevocableToken, type Revocation, revocationId } from './revocation.ts'
import { RevocationSet, revocationIdsOf } from './revocation-set.ts'
import { markPublished, RevocationSync } from './revocation-sync.ts'
import { publish } from './stream.ts'

/** `unknown`: the set of this server is too old to answer. */
export type RevocationVerdict = 'active' | 'revoked' | 'unknown'

/** Additional writes in the transaction of a revocation. They may run more than once. */
type Changes = (transaction: ClientSession) => Promise<unknown>

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Ends sessions: refresh tokens at once, access tokens at once on this server and within a second on every other
     * one. Each call resolves after the database has stored the revocation. While Redis is unavailable, other servers
     * read it there.
     */
    revocation: {
      /** Ends one session. Safe to repeat. @throws when MongoDB is unavailable */
      revokeSession(sessionId: string, reason: RevocationReason, changes?: Changes): Promise<void>
      /**
       * Ends every session, token, mailed link and known device that the user has now, and none that begins afterwards,
       * even in the same millisecond. Changes that must happen together with it (the password, `is_active`, the whole
       * user) go into `changes`.
       * @param userId the text of the user's key @throws when MongoDB is unavailable, and what `changes` throws
       */
      revokeUser(userId: string, reason: RevocationReason, changes?: Changes): Promise<void>
      /**
       * The current watermark of the user, for a new session. Read it before the last check of the user, so that a
       * revocation in between ends the session.
       */
      versionOf(userId: string, transaction?: ClientSession): Promise<number>
      /**
       * For routes that take long between checking the token and writing: refuses if the token has ended meanwhile.
       * @throws Problem 401 `session_revoked`
       */
      requireCurrent(token: Pick<RevocableToken, 'sub' | 'ver'>, transaction: ClientSession): Promise<void>
      /**
       * Whether a token was revoked. Called for every request, after any cache. Answers from memory, and asks the
       * database only for tokens older than what fits into memory.
       */
      check(token: RevocableToken): RevocationVerdict | Promise<RevocationVerdict>
      /** Ends the least recently used sessions if the user has more than `maxSessions`, in the background. */
      endExcessSessions(userId: UserKey): void
      /** Time since the last batch; infinite before the first. */
      stalenessSeconds(): number
    }
  }
}

/** Startup does not wait longer: the server answers its probes while it waits for MongoDB. */
const maxStartMilliseconds = 1_000
/**
 * Maximum time that a response waits for publishing to Redis. The limits may already have waited for a hanging Redis,
 * and other servers read the revocation in the database.
 */
const maxTellingMilliseconds = 200

export default fp(
  async function revocation(app) {
    const { accessTokenLifetimeSeconds, refreshTokenAbsoluteLifetimeSeconds, revocationMaxStalenessSeconds } =
      app.config
    const lifetimes = {
      accessSeconds: accessTokenLifetimeSeconds,
      absoluteSeconds: refreshTokenAbsoluteLifetimeSeconds,
    }
    const maxStaleness =
      app.config.revocationWhenStale === 'accept' ? Number.POSITIVE_INFINITY : revocationMaxStalenessSeconds
    // Regardless of the read preference in the URL, because a secondary may lag behind.
    const revocations = app.mongo.db.collection<Revocation>('revocations', { readPreference: 'primary' })
    const collections = {
      revocations,
      sessions: app.mongo.db.collection<Session>('sessions'),
      oneTimeTokens: app.mongo.db.collection<OneTimeToken>('one_time_tokens'),
    }
    const known = new RevocationSet()
    const sync = new RevocationSync(known, revocations, app.redis, app.log)
    sync.start()
    await sync.firstRead(maxStartMilliseconds)
    const cleanup = new BackgroundCleanup(
      collections.sessions,
      app.mongo.db.collection<KnownDevice>('known_devices'),
      app.log,
    )
    app.addHook('onClose', () => Promise.all([sync.stop(), cleanup.idle()]))

    const tell = (revocation: Revocation): Promise<void> => {
      known.add(revocation)
      app.metrics.revocations.inc({ scope: revocation.kind })
      return withDeadline(maxTellingMilliseconds, tellRedis(revocation))
    }
    const tellRedis = async (revocation: Revocation): Promise<void> => {
      try {
        await publish(app.redis, revocation)
      } catch (error) {
        sync.replay()
        app.securityEvents.record('revocation_degraded', { reason: error instanceof Error ? error.message : 'unknown' })
        return
      }
      // The mark only causes another publication.
      markPublished(revocations, revocation).catch((error) =>
        app.log.debug({ err: error }, 'an entry stays unpublished'),
      )
    }

    const revokeSession = async (sessionId: string, reason: RevocationReason, changes?: Changes): Promise<void> => {
      const revocation = await app.mongo.transaction(async (transaction) => {
        await changes?.(transaction)
        return recordSession(collections, sessionId, reason, lifetimes, transaction)
      })
      await tell(revocation)
    }
    const versionOf = async (userId: string, transaction?: ClientSession): Promise<number> => {
      const found = await revocations.findOne(
        { _id: revocationId('user', userId) },
        { projection: { watermark: 1 }, ...(transaction !== undefined && { session: transaction }) },
      )
      return found?.watermark ?? 0
    }

    app.decorate('revocation', {
      revokeSession,
      async revokeUser(userId, reason, changes) {
        const revocation = await app.mongo.transaction(async (transaction) => {
          await changes?.(transaction)
          const recorded = await recordUser(collections, parseUserKey(userId), lifetimes, transaction)
          const { watermark } = recorded
          await markSessionsToTell(collections.sessions, parseUserKey(userId), watermark, reason, transaction)
          return recorded
        })
        const marking = cleanup.afterWatermark(parseUserKey(userId), revocation.watermark, reason)
        await Promise.all([tell(revocation), withDeadline(maxTellingMilliseconds, marking)])
      },
      endExcessSessions(userId) {
        void cleanup.run('a user exceeds the maximum number of sessions', async () => {
          for (const sessionId of await excessSessions(collections.sessions, userId)) {
            await revokeSession(sessionId, 'too_many')
            const whose = { userId: userId.toString(), sessionId }
            app.securityEvents.record('authn_token_revoked', { ...whose, reason: `more than ${maxSessions} sessions` })
          }
        })
      },
      versionOf,
      async requireCurrent({ sub, ver }, transaction) {
        if (ver >= (await versionOf(sub, transaction))) return
        throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
      },
      check(token) {
        const verdict = known.check(token)
        if (verdict === 'revoked') return 'revoked'
        if (sync.stalenessSeconds() > maxStaleness) return 'unknown'
        return verdict === 'active' ? 'active' : lookUp(token)
      },
      stalenessSeconds: () => sync.stalenessSeconds(),
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
