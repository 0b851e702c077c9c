import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { completeLogin } from '../../../plugins/app/mfa/complete-login.ts'
import { loginResponse } from '../../../schemas/auth.ts'
import { SecondStep } from '../../../schemas/mfa.ts'
import { presentedBinding } from './client-binding.ts'
import { loginAnswer } from './login-response.ts'

const loginMfa: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  app.post(
    '/login/mfa',
    {
      schema: {
        operationId: 'completeLogin',
        summary: 'Complete a login with a code of a second factor',
        description:
          'Only for the client that got the mfa_token: with the same User-Agent, and with COOKIE_MODE with its cookie. ' +
          'After five wrong codes, the user has to log in again.',
        tags: ['sessions'],
        body: SecondStep,
        response: { 200: loginResponse(cookieMode.isOn) },
        problems: [
          'mfa_token_invalid',
          'mfa_code_wrong',
          'rate_limited',
          'locked',
          'mfa_unreadable',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { mfa_token: mfaToken, method, code, remember_device: rememberDevice = false } = request.body
      const step = { mfaToken, method, code, rememberDevice, binding: presentedBinding(app, request) }
      const replacedToken = cookieMode.refreshTokenOf(request)
      const loggedIn = await completeLogin(app, step, replacedToken, app.callerOf(request, reply), new Date())
      return loginAnswer(app, request, reply, loggedIn)
    },
  )
}

export default loginMfa
