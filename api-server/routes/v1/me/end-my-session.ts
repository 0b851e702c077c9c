import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { endOwnSession } from '../../../plugins/app/sessions/own-sessions.ts'
import { SessionParameters } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'

const endMySession: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/me/sessions/:sid',
    {
      schema: {
        operationId: 'endMySession',
        summary: 'End one session of the user',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        params: SessionParameters,
        response: { 204: noContent('The session has ended, on every server') },
        problems: ['not_found', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub: userId } = await app.authenticate(request)
      await endOwnSession(app, userId, request.params.sid, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )
}

export default endMySession
