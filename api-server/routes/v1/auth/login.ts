import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { logIn } from '../../../plugins/app/sessions/login.ts'
import { parseEmail } from '../../../plugins/app/users/email.ts'
import { Credentials, loginResponse } from '../../../schemas/auth.ts'
import { SecondFactorRequired } from '../../../schemas/mfa.ts'
import { newBinding, setBindingCookie } from './client-binding.ts'
import { loginAnswer } from './login-response.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  const loggedIn = { 200: loginResponse(cookieMode.isOn) }
  const responses = { ...loggedIn, 202: SecondFactorRequired }
  app.post(
    '/login',
    {
      schema: {
        operationId: 'logIn',
        summary: 'Log in',
        ...(app.mfa.isOn && {
          description: 'Answers 202 if the user has a second factor. The login continues at /v1/auth/login/mfa.',
        }),
        tags: ['sessions'],
        body: Credentials,
        // Without second factors, no login answers 202, so it is not described. The handler has one type.
        response: app.mfa.isOn ? responses : (loggedIn as typeof responses),
        problems: [
          'invalid_credentials',
          'password_too_long',
          'password_unusable',
          'rate_limited',
          'locked',
          'busy',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { email, password } = request.body
      const credentials = { email: parseEmail(email), password }
      const { binding, cookie } = newBinding(app, request)
      const client = { replacedToken: cookieMode.refreshTokenOf(request), binding }
      const result = await logIn(app, credentials, client, app.callerOf(request, reply), new Date())
      if (result.kind === 'loggedIn') return loginAnswer(app, request, reply, result)
      setBindingCookie(app, reply, cookie)
      return reply.code(202).send({
        status: 'second_factor_required' as const,
        mfa_token: result.mfaToken,
        expires_in: app.config.mfa.tokenLifetimeSeconds,
        factors: result.factors.map(({ id, type, name }) => ({ id, type, name })),
      })
    },
  )
}

export default login
