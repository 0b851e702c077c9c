import fp from 'fastify-plugin'
import { type OnAnomalies, UserStore } from './store.ts'
import type { UserDocument } from './user.ts'

declare module 'fastify' {
  interface FastifyInstance {
    users: UserStore
  }
}

/** Maximum number of users whose irregular documents this server logs. */
const maxLogged = 1_000

export default fp(
  async function users(app) {
    const { usersCollection, readPreference } = app.config.mongodb
    const collection = app.mongo.db.collection<UserDocument>(usersCollection)
    const logged = new Set<string>()
    const onAnomalies: OnAnomalies = (key, odd) => {
      for (const oddity of odd) app.metrics.anomalousUsers.inc({ oddity })
      const userId = key.toString()
      // Each user once, so that one user does not fill the log.
      if (logged.has(userId) || logged.size >= maxLogged) return
      logged.add(userId)
      app.log.warn({ userId, odd }, 'the document of a user is irregular; run migrate.js --dry-run for details')
    }
    app.decorate('users', new UserStore(collection, { readPreference, onAnomalies }))
  },
  { name: 'users', dependencies: ['config', 'metrics', 'mongo'] },
)
