import fp from 'fastify-plugin'
import type { Session } from './session.ts'
import { SessionStore } from './store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Refresh-token families. Source of truth in MongoDB. */
    sessions: SessionStore
  }
}

export default fp(
  async function sessions(app) {
    const { refreshTokenIdleLifetimeSeconds: idleSeconds, refreshTokenAbsoluteLifetimeSeconds: absoluteSeconds } =
      app.config
    app.decorate(
      'sessions',
      new SessionStore(app.mongo.db.collection<Session>('sessions'), { idleSeconds, absoluteSeconds }),
    )
  },
  { name: 'sessions', dependencies: ['config', 'mongo'] },
)
