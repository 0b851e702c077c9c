import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { unlinkIdentity } from '../../../plugins/app/identity-providers/own-identities.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { IdentityParameters } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { stepUpProblems } from '../step-up-problems.ts'

const unlinkMyIdentity: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/me/identities/:id',
    {
      schema: {
        operationId: 'unlinkMyIdentity',
        summary: 'Remove an account of another provider from the user',
        description: 'Refused if it is the last way in which the user can log in.',
        tags: ['users'],
        security: [{ bearer: [] }],
        params: IdentityParameters,
        response: { 204: noContent('The identity is removed, and all sessions of the user have ended') },
        problems: [...stepUpProblems(app), 'not_found', 'last_login_method', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user, claims } = await app.authenticateUser(request)
      await requireStepUp(app, user, claims, new Date())
      await unlinkIdentity(app, user, claims, request.params.id, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )
}

export default unlinkMyIdentity
