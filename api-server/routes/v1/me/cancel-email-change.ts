import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { cancelPendingEmail } from '../../../plugins/app/accounts/profile.ts'
import { noContent } from '../../../schemas/auth.ts'

const cancelEmailChange: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/me/pending-email',
    {
      schema: {
        operationId: 'cancelEmailChange',
        summary: 'Cancel a change of email',
        description: 'Invalidates the link that was sent to the new email. Safe to repeat.',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: { 204: noContent('No change of email is pending') },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user } = await app.authenticateUser(request)
      await cancelPendingEmail(app, user, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )
}

export default cancelEmailChange
