import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { addressKey } from '../../../plugins/app/limits/address-key.ts'
import { EmailConfirmation } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { mailOnRequest } from './mail-on-request.ts'

const email: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config

  app.post(
    '/email/verify',
    {
      schema: {
        operationId: 'verifyEmail',
        summary: 'Confirm an email with the token of the link',
        description: 'Of a new user, or of one who changes to another email: then every session of the user ends.',
        tags: ['users'],
        body: EmailConfirmation,
        response: { 204: noContent('The email is confirmed') },
        problems: ['one_time_token_invalid', 'email_taken', 'rate_limited', 'busy', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      await app.limits.use('email-verify', addressKey(request.ip), limits.emailVerify, request, reply)
      await app.accounts.email.confirm(request.body.token, request.ip)
      return reply.code(204).send(null)
    },
  )

  mailOnRequest(app, {
    path: '/email/resend',
    operationId: 'resendVerification',
    summary: 'Ask for another link to confirm an email',
    counted: 'email-resend',
    send: (email) => app.accounts.email.resendVerification(email),
  })
}

export default email
