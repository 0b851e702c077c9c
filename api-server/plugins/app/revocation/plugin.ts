import fp from 'fastify-plugin'
import type { AccessTokenClaims } from '../tokens/access-token.ts'
import { publish, RevocationFeed } from './feed.ts'
import { type Revocation, RevocationSet } from './revocation-set.ts'

declare module 'fastify' {
  interface FastifyInstance {
    revocation: {
      /** Ends the access tokens of one session on every server. */
      revokeSession(sessionId: string): Promise<void>
      /** Ends every access token that the user has now. */
      revokeUser(userId: string): Promise<void>
      /** `unknown`: what this server knows is too old to answer. */
      check(claims: AccessTokenClaims): 'active' | 'revoked' | 'unknown'
    }
  }
}

const leewaySeconds = 60

export default fp(
  async function revocation(app) {
    const { accessTokenLifetimeSeconds, revocationMaxStalenessSeconds } = app.config
    const revocations = app.mongo.db.collection<Revocation>('revocations')
    const known = new RevocationSet()
    const feed = new RevocationFeed(known, revocations, app.redis, app.log)
    feed.start()
    app.addHook('onClose', () => feed.stop())

    const revoke = async (kind: Revocation['kind'], subject: string) => {
      const notBefore = new Date()
      const expiresAt = new Date(notBefore.getTime() + (accessTokenLifetimeSeconds + leewaySeconds) * 1000)
      const entry: Revocation = { _id: `${kind}:${subject}`, kind, subject, notBefore, expiresAt }
      await revocations.updateOne(
        { _id: entry._id },
        { $set: { kind, subject, notBefore, expiresAt } },
        { upsert: true },
      )
      known.add(entry)
      app.metrics.revocations.inc({ scope: kind })
      try {
        await publish(app.redis, entry)
      } catch (error) {
        // The others read it from MongoDB, within a second or two.
        app.securityEvents.record('revocation_degraded', { reason: error instanceof Error ? error.message : 'unknown' })
      }
    }

    app.decorate('revocation', {
      revokeSession: (sessionId) => revoke('session', sessionId),
      revokeUser: (userId) => revoke('user', userId),
      check(claims) {
        if (known.has(claims)) return 'revoked'
        const staleness = feed.stalenessSeconds()
        app.metrics.revocationStaleness.set(staleness)
        return staleness > revocationMaxStalenessSeconds ? 'unknown' : 'active'
      },
    })
  },
  { name: 'revocation', dependencies: ['config', 'mongo', 'redis', 'metrics', 'security-events'] },
)
