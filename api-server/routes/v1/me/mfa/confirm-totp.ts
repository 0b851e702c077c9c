import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { confirmTotp as confirm } from '../../../../plugins/app/mfa/enrolment.ts'
import { enrolledResponse, TotpConfirmation } from '../../../../schemas/mfa.ts'
import { loginAnswer } from '../../auth/login-response.ts'

const confirmTotp: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/totp/confirm',
    {
      schema: {
        operationId: 'confirmTotp',
        summary: 'Confirm an authenticator app with its first code',
        description:
          'From then on, a login needs a second factor. Ends all sessions, mailed links and known devices of the user, and answers with the tokens of a new session.',
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
      const { user, claims } = await app.authenticateUser(request)
      const caller = app.callerOf(request, reply)
      const { factorId, loggedIn, recoveryCodes } = await confirm(app, user, claims, request.body, caller, new Date())
      return {
        ...loginAnswer(app, request, reply, loggedIn),
        factor_id: factorId,
        recovery_codes: recoveryCodes ?? null,
      }
    },
  )
}

export default confirmTotp
