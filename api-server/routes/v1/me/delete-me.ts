import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { deleteOwnAccount } from '../../../plugins/app/accounts/profile.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { AccountDeletion } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { stepUpProblems } from '../step-up-problems.ts'

const deleteMe: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/me',
    {
      schema: {
        operationId: 'deleteMe',
        summary: 'Delete the account of the access token',
        tags: ['users'],
        security: [{ bearer: [] }],
        body: AccountDeletion,
        response: { 204: noContent('The user is deleted, and all their sessions have ended') },
        problems: [
          ...stepUpProblems(app),
          'password_wrong',
          'password_too_long',
          'password_unusable',
          'last_admin',
          'user_changed',
          'rate_limited',
          'locked',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { current_password: currentPassword } = request.body
      const { user, claims } = await app.authenticateUser(request)
      await requireStepUp(app, user, claims, new Date())
      await deleteOwnAccount(app, user, claims, currentPassword, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )
}

export default deleteMe
