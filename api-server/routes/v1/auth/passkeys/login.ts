import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { logInByPasskey, loginOptions } from '../../../../plugins/app/passkeys/login.ts'
import { loginResponse } from '../../../../schemas/auth.ts'
import { PasskeyRequestOptions, PasskeyUse } from '../../../../schemas/passkeys.ts'
import { bindPasskeyLogin, passkeyLoginBinding } from '../client-binding.ts'
import { loginAnswer } from '../login-response.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  app.post(
    '/passkeys/options',
    {
      // Nothing is stored: a challenge that nobody uses costs nothing.
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'passkeyLoginOptions',
        summary: 'Begin a login with a passkey alone',
        description: 'The options are valid for a minute, once, and for this client.',
        tags: ['sessions'],
        response: { 200: PasskeyRequestOptions },
      },
    },
    async (request, reply) => loginOptions(app, bindPasskeyLogin(app, request, reply), new Date()),
  )
  app.post(
    '/passkeys/login',
    {
      schema: {
        operationId: 'logInByPasskey',
        summary: 'Log in with a passkey alone',
        description: 'The authenticator must have verified the user, by a PIN or a biometric.',
        tags: ['sessions'],
        body: PasskeyUse,
        response: { 200: loginResponse(cookieMode.isOn) },
        problems: ['passkey_refused', 'rate_limited', 'not_ready', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { credential } = request.body
      const binding = passkeyLoginBinding(app, request)
      const use = { credential, binding, replacedToken: cookieMode.refreshTokenOf(request) }
      const loggedIn = await logInByPasskey(app, use, app.callerOf(request, reply), new Date())
      return loginAnswer(app, request, reply, loggedIn)
    },
  )
}

export default login
