import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { stepUpByPasskey as authenticateAgain, stepUpOptions } from '../../../../plugins/app/passkeys/step-up.ts'
import { AccessToken } from '../../../../schemas/mfa.ts'
import { PasskeyRequestOptions, PasskeyUse } from '../../../../schemas/passkeys.ts'
import { accessTokenResponse } from '../token-response.ts'

const stepUp: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/step-up/passkey/options',
    {
      schema: {
        operationId: 'passkeyStepUpOptions',
        summary: 'Begin to authenticate again with a passkey',
        description: 'The options are valid for a minute, once, and for this session.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        response: { 200: PasskeyRequestOptions },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const claims = await app.authenticate(request)
      return stepUpOptions(app, claims, app.callerOf(request, reply), new Date())
    },
  )
  app.post(
    '/step-up/passkey',
    {
      schema: {
        operationId: 'stepUpByPasskey',
        summary: 'Authenticate again in a session, with a passkey',
        description: 'As stepUp does, with a passkey instead of a code.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        body: PasskeyUse,
        response: { 200: AccessToken },
        problems: ['passkey_refused', 'not_found', 'rate_limited', 'locked', 'not_ready', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user, claims } = await app.authenticateUser(request)
      const caller = app.callerOf(request, reply)
      return accessTokenResponse(
        await authenticateAgain(app, user, claims, request.body.credential, caller, new Date()),
      )
    },
  )
}

export default stepUp
