import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import events from './events.ts'
import users from './users/index.ts'

/** Only for the role `admin`. Each request looks up the administrator. */
export default async function adminRoutes(app: FastifyInstance): Promise<void> {
  app.decorateRequest('adminId', '')
  const requireAdmin = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('cache-control', 'no-store')
    const admin = await app.mongo.watch.whileUp(() => app.authenticateAdmin(request))
    request.adminId = admin._id.toString()
    const use = { name: 'admin', subject: request.adminId, rate: app.config.limits.admin }
    await app.limits.of(request, reply).use(use)
  }
  // After the rate limit of the client, before a body is read.
  app.addHook('onRoute', (route) => {
    route.onRequest = [...(route.onRequest === undefined ? [] : [route.onRequest].flat()), requireAdmin]
  })
  // Again, after the body has arrived, which may have taken as long as REQUEST_TIMEOUT.
  app.addHook('preHandler', async (request) => {
    await app.authenticate(request)
  })
  await app.register(users)
  await app.register(events)
}
