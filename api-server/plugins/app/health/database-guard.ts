import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers without MongoDB. All others answer 503 at once while it is away. */
    worksWithoutDatabase?: boolean
  }
}

/**
 * No request waits for a database that is away: new ones are refused at once, those that wait for it when it is noticed
 * (within a second), so that none queue up. What such a request has begun goes on by itself and may still happen, as
 * with any answer that is lost; clients repeat, and every route bears that.
 */
export default fp(
  async function databaseGuard(app) {
    const { watch } = app.mongo
    app.addHook('onRoute', (route) => {
      if (route.config?.worksWithoutDatabase === true) return
      const { handler } = route
      route.handler = function guarded(request, reply) {
        return watch.whileUp(async () => handler.call(this, request, reply))
      }
    })
  },
  { name: 'database-guard', dependencies: ['mongo'] },
)
