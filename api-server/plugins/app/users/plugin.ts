import fp from 'fastify-plugin'
import { UserStore } from './store.ts'
import type { UserDocument } from './user.ts'

declare module 'fastify' {
  interface FastifyInstance {
    users: UserStore
  }
}

export default fp(
  async function users(app) {
    const { usersCollection, readPreference } = app.config.mongodb
    const collection = app.mongo.db.collection<UserDocument>(usersCollection)
    app.decorate('users', new UserStore(collection, readPreference))
  },
  { name: 'users', dependencies: ['config', 'mongo'] },
)
