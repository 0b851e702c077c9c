import fp from 'fastify-plugin'
import type { Session } from './session.ts'
import { SessionStore } from './store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Refresh token families, stored in MongoDB. `app.revocation` ends them. */
    sessions: SessionStore
  }
}

export default fp(
  async function sessions(app) {
    const { config } = app
    app.decorate(
      'sessions',
      new SessionStore(app.mongo.db.collection<Session>('sessions'), {
        idleSeconds: config.refreshTokenIdleLifetimeSeconds,
        absoluteSeconds: config.refreshTokenAbsoluteLifetimeSeconds,
        accessSeconds: config.accessTokenLifetimeSeconds,
        graceSeconds: config.refreshTokenGraceSeconds,
      }),
    )
  },
  { name: 'sessions', dependencies: ['config', 'mongo'] },
)
