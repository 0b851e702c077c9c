import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route works without MongoDB. All others answer 503 at once while MongoDB is unavailable. */
    worksWithoutDatabase?: boolean
  }
}

/**
 * No request waits for an unavailable database: new ones are refused at once, and waiting ones when the outage is
 * detected (within a second), so that none queue up. What such a request has started continues and can still take
 * effect, as with any lost response. Clients repeat, and every route tolerates that. Requests also do not reach a
 * database that lacks migrations.
 */
export default fp(
  async function databaseGuard(app) {
    const { watch } = app.mongo
    app.addHook('onRoute', (route) => {
      if (route.config?.worksWithoutDatabase === true) return
      const { handler } = route
      route.handler = function guarded(request, reply) {
        return watch.whileUp(async () => {
          await app.databaseSchema.assertUsable()
          return handler.call(this, request, reply)
        })
      }
    })
  },
  { name: 'database-guard', dependencies: ['mongo', 'database-schema'] },
)
