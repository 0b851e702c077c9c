import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { enrollingUser } from '../../../../plugins/app/mfa/enrolling-user.ts'
import { startTotp as start } from '../../../../plugins/app/mfa/enrolment.ts'
import { TotpStart, TotpStarted } from '../../../../schemas/mfa.ts'
import { presentedBinding } from '../../auth/client-binding.ts'

const startTotp: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/totp',
    {
      schema: {
        operationId: 'startTotp',
        summary: 'Begin to enrol an authenticator app',
        description:
          'Needs the current password, and a recent second factor if the user has one. Nothing changes until the app is confirmed with a code (confirmTotp). Also accepts the enrolment_token of a login.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        body: TotpStart,
        response: { 201: TotpStarted },
        problems: [
          'insufficient_user_authentication',
          'totp_not_allowed',
          'password_wrong',
          'password_too_long',
          'password_unusable',
          'mfa_too_many',
          'rate_limited',
          'locked',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { current_password: currentPassword, name } = request.body
      const now = new Date()
      const { user, claims } = await enrollingUser(app, request, presentedBinding(app, request), now)
      const caller = app.callerOf(request, reply)
      const started = await start(app, user, claims, { currentPassword, name }, caller, now)
      return reply.code(201).send({
        token: started.token,
        expires_in: app.config.mfa.tokenLifetimeSeconds,
        secret: started.secret,
        otpauth_url: started.otpauthUrl,
      })
    },
  )
}

export default startTotp
