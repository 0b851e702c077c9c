import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import events from './events.ts'
import userActions from './user-actions.ts'
import users from './users.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of the administrator who asks; empty outside of the admin API. */
    admin: string
  }
}

/** For the role `admin` alone. Who it is, is looked up for each request. */
export default async function adminRoutes(app: FastifyInstance): Promise<void> {
  app.decorateRequest('admin', '')
  const requireAdmin = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('cache-control', 'no-store')
    const admin = await app.mongo.watch.whileUp(() => app.authenticateAdmin(request))
    request.admin = admin._id.toHexString()
    await app.limits.use('admin', request.admin, app.config.limits.admin, request, reply)
  }
  // After the limit of the client, before a body is read.
  app.addHook('onRoute', (route) => {
    route.onRequest = [...(route.onRequest === undefined ? [] : [route.onRequest].flat()), requireAdmin]
  })
  await app.register(users)
  await app.register(userActions)
  await app.register(events)
}
