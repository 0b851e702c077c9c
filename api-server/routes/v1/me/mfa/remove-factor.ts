import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { removeFactor as remove } from '../../../../plugins/app/mfa/removal.ts'
import { noContent } from '../../../../schemas/auth.ts'
import { FactorParameters } from '../../../../schemas/mfa.ts'

const removeFactor: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/me/mfa/factors/:id',
    {
      schema: {
        operationId: 'removeMyFactor',
        summary: 'Remove a second factor',
        description: 'Needs a recent second factor. With the last one, the recovery codes are removed too.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        params: FactorParameters,
        response: { 204: noContent('The second factor is removed, and all sessions of the user have ended') },
        problems: [
          'insufficient_user_authentication',
          'not_found',
          'mfa_last_factor',
          'rate_limited',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { user, claims } = await app.authenticateUser(request)
      await remove(app, user, claims, request.params.id, app.callerOf(request, reply), new Date())
      return reply.code(204).send(null)
    },
  )
}

export default removeFactor
