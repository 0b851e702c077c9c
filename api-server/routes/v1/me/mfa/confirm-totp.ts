import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { confirmTotp as confirm } from '../../../../plugins/app/mfa/enrolment.ts'
import { enrolledResponse, TotpConfirmation } from '../../../../schemas/mfa.ts'
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
          'totp_not_allowed',
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
    async (request, reply) =>
      enrolledAnswer(app, request, reply, (user, claims, caller, now) =>
        confirm(app, user, claims, request.body, caller, now),
      ),
  )
}

export default confirmTotp
