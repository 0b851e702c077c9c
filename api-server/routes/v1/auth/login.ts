import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { enrolmentSeconds } from '../../../plugins/app/mfa/challenge-store.ts'
import { logIn } from '../../../plugins/app/sessions/login.ts'
import { parseEmail } from '../../../plugins/app/users/email.ts'
import { Credentials, loginResponse } from '../../../schemas/auth.ts'
import { LoginContinues } from '../../../schemas/mfa.ts'
import { newBinding, setBindingCookie } from './client-binding.ts'
import { loginAnswer } from './login-response.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  const loggedIn = { 200: loginResponse(cookieMode.isOn) }
  const responses = { ...loggedIn, 202: LoginContinues }
  app.post(
    '/login',
    {
      schema: {
        operationId: 'logIn',
        summary: 'Log in',
        ...(app.mfa.isOn && {
          description:
            'Answers 202 if the user has a second factor: the login continues at /v1/auth/login/mfa. ' +
            'Also answers 202 if the user must enrol one first: the login continues with startTotp or startPasskey.',
        }),
        tags: ['sessions'],
        body: Credentials,
        // Without second factors, no login answers 202, so it is not described. The handler has one type.
        response: app.mfa.isOn ? responses : (loggedIn as typeof responses),
        problems: [
          'invalid_credentials',
          'provider_login_required',
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
      if (result.kind === 'enrolmentRequired') {
        setBindingCookie(app, reply, cookie, enrolmentSeconds)
        return reply.code(202).send({
          status: 'enrolment_required' as const,
          enrolment_token: result.enrolmentToken,
          expires_in: enrolmentSeconds,
          allowed_types: [...app.config.mfa.allowedTypes],
        })
      }
      const { tokenLifetimeSeconds } = app.config.mfa
      setBindingCookie(app, reply, cookie, tokenLifetimeSeconds)
      return reply.code(202).send({
        status: 'second_factor_required' as const,
        mfa_token: result.mfaToken,
        expires_in: tokenLifetimeSeconds,
        remember_device_for: result.rememberDeviceSeconds,
        factors: result.factors.map(({ id, type, name }) => ({ id, type, name })),
      })
    },
  )
}

export default login
