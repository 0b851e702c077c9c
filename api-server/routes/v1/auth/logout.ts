import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { noContent } from '../../../schemas/auth.ts'

const logout: FastifyPluginAsyncTypebox = async (app) => {
  const schema = {
    tags: ['sessions'],
    security: [{ bearer: [] }],
    response: { 204: noContent('The tokens are worth nothing any more, on every server') },
    problems: ['database_unavailable'] as const,
  }

  app.post(
    '/logout',
    { schema: { ...schema, operationId: 'logOut', summary: 'End the session of the access token' } },
    async (request, reply) => {
      const { sub: userId, sid: sessionId } = await app.authenticate(request)
      await app.revocation.revokeSession(sessionId, 'logout')
      app.cookieMode.forget(reply)
      app.securityEvents.record('authn_token_revoked', { userId, sessionId, address: request.ip })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/logout-all',
    { schema: { ...schema, operationId: 'logOutEverywhere', summary: 'End every session of the user' } },
    async (request, reply) => {
      const { sub: userId } = await app.authenticate(request)
      await app.revocation.revokeUser(userId, 'logout_all')
      app.cookieMode.forget(reply)
      app.securityEvents.record('authn_token_revoked', { userId, address: request.ip, reason: 'logout_all' })
      return reply.code(204).send(null)
    },
  )
}

export default logout
