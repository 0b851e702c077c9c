import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { stepUp as authenticateAgain } from '../../../plugins/app/mfa/step-up.ts'
import { AccessToken, StepUp } from '../../../schemas/mfa.ts'
import { accessTokenResponse } from './token-response.ts'

const stepUp: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/step-up',
    {
      schema: {
        operationId: 'stepUp',
        summary: 'Authenticate again in a session, with a code of a second factor',
        description:
          'After a response insufficient_user_authentication (RFC 9470). The new access token has the claims acr=aal2 and a new auth_time, and refreshed ones keep them.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        body: StepUp,
        response: { 200: AccessToken },
        problems: [
          'mfa_code_wrong',
          'not_found',
          'rate_limited',
          'locked',
          'mfa_unreadable',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { user, claims } = await app.authenticateUser(request)
      const caller = app.callerOf(request, reply)
      return accessTokenResponse(await authenticateAgain(app, user, claims, request.body, caller, new Date()))
    },
  )
}

export default stepUp
