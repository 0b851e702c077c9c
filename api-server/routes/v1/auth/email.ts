import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { confirmEmail, resendVerification } from '../../../plugins/app/accounts/email-verification.ts'
import { EmailConfirmation } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { mailOnRequest } from './mail-on-request.ts'

const email: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/email/verify',
    {
      schema: {
        operationId: 'verifyEmail',
        summary: 'Confirm an email with the token of a mailed link',
        description:
          'Confirms the email of a new user, or a new email of an existing user. In the second case, all sessions of the user end.',
        tags: ['users'],
        body: EmailConfirmation,
        response: { 204: noContent('The email is confirmed') },
        problems: ['one_time_token_invalid', 'email_taken', 'rate_limited', 'busy', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      await confirmEmail(app, request.body.token, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )

  mailOnRequest(app, {
    path: '/email/resend',
    operationId: 'resendVerification',
    summary: 'Request a new link to confirm an email',
    send: resendVerification,
  })
}

export default email
