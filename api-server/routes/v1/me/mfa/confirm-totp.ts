import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { enrollingUser, recordLoginByEnrolment } from '../../../../plugins/app/mfa/enrolling-user.ts'
import { confirmTotp as confirm } from '../../../../plugins/app/mfa/enrolment.ts'
import { enrolledResponse, TotpConfirmation } from '../../../../schemas/mfa.ts'
import { presentedBinding } from '../../auth/client-binding.ts'
import { enrolledAnswer } from './enrolled-answer.ts'

const confirmTotp: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/totp/confirm',
    {
      schema: {
        operationId: 'confirmTotp',
        summary: 'Confirm an authenticator app with its first code',
        description:
          'From then on, a login needs a second factor. Ends all sessions, mailed links and known devices of the user, and answers with the tokens of a new session. Also accepts the enrolment_token of a login.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        body: TotpConfirmation,
        response: { 200: enrolledResponse(app.cookieMode.isOn) },
        problems: [
          'mfa_code_wrong',
          'not_found',
          'mfa_too_many',
          'rate_limited',
          'busy',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const now = new Date()
      const { user, claims, isLogin } = await enrollingUser(app, request, presentedBinding(app, request), now)
      const caller = app.callerOf(request, reply)
      const enrolled = await confirm(app, user, claims, request.body, caller, now)
      if (isLogin) await recordLoginByEnrolment(app, user, enrolled.loggedIn, caller, now)
      return enrolledAnswer(app, request, reply, enrolled)
    },
  )
}

export default confirmTotp
