import fp from 'fastify-plugin'
import { type Readiness, watchReadiness } from './readiness.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readiness: Readiness
  }
}

export default fp(
  async function health(app) {
    const readiness = watchReadiness(
      app.mongo.db,
      app.config.mongodb.usersCollection,
      () => app.tokens.keys.signer(new Date()) !== undefined,
    )
    app.decorate('readiness', readiness)
    app.addHook('onClose', async () => readiness.stop())
  },
  { name: 'health', dependencies: ['mongo', 'tokens'] },
)
