import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { completeLoginByPasskey, secondStepOptions } from '../../../../plugins/app/passkeys/second-step.ts'
import { loginResponse } from '../../../../schemas/auth.ts'
import { PasskeyOptionsRequest, PasskeyRequestOptions, PasskeySecondStep } from '../../../../schemas/passkeys.ts'
import { presentedBinding } from '../client-binding.ts'
import { loginAnswer } from '../login-response.ts'

const secondStep: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  app.post(
    '/login/mfa/passkey/options',
    {
      schema: {
        operationId: 'passkeySecondStepOptions',
        summary: 'Begin the second step of a login with a passkey',
        description: 'Only for the client that got the mfa_token. The options are valid for a minute, once.',
        tags: ['sessions'],
        body: PasskeyOptionsRequest,
        response: { 200: PasskeyRequestOptions },
        problems: ['mfa_token_invalid', 'database_unavailable'],
      },
    },
    async (request) => {
      const client = { mfaToken: request.body.mfa_token, binding: presentedBinding(app, request) }
      return secondStepOptions(app, client, new Date())
    },
  )
  app.post(
    '/login/mfa/passkey',
    {
      schema: {
        operationId: 'completeLoginByPasskey',
        summary: 'Complete a login with a passkey',
        description: 'Only for the client that got the mfa_token.',
        tags: ['sessions'],
        body: PasskeySecondStep,
        response: { 200: loginResponse(cookieMode.isOn) },
        problems: [
          'mfa_token_invalid',
          'passkey_refused',
          'rate_limited',
          'locked',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { mfa_token: mfaToken, credential, remember_device: rememberDevice = false } = request.body
      const step = { mfaToken, credential, rememberDevice, binding: presentedBinding(app, request) }
      const replacedToken = cookieMode.refreshTokenOf(request)
      const caller = app.callerOf(request, reply)
      return loginAnswer(
        app,
        request,
        reply,
        await completeLoginByPasskey(app, step, replacedToken, caller, new Date()),
      )
    },
  )
}

export default secondStep
