import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { changePassword } from '../../../plugins/app/accounts/password-change.ts'
import { resetPassword, sendResetLink } from '../../../plugins/app/accounts/password-reset.ts'
import { setDeviceCookie } from '../../../plugins/app/login-attempts/device-cookie.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { passwordFaults } from '../../../plugins/app/passwords/password-rules.ts'
import type { ProblemCode } from '../../../plugins/app/problems/problem.ts'
import { PasswordChange, PasswordReset } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { stepUpProblems } from '../step-up-problems.ts'
import { mailOnRequest } from './mail-on-request.ts'

const passwordProblems: readonly ProblemCode[] = [...passwordFaults, 'rate_limited', 'busy', 'database_unavailable']

const password: FastifyPluginAsyncTypebox = async (app) => {
  mailOnRequest(app, {
    path: '/password/forgot',
    operationId: 'forgotPassword',
    summary: 'Request a link to choose a new password',
    send: sendResetLink,
  })

  app.post(
    '/password/reset',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Set a new password with the token of a mailed link',
        tags: ['users'],
        body: PasswordReset,
        response: { 204: noContent('The password is changed, and all sessions of the user have ended') },
        problems: ['one_time_token_invalid', ...passwordProblems],
      },
    },
    async (request, reply) => {
      const { token, new_password: newPassword } = request.body
      await resetPassword(app, { token, newPassword }, app.callerOf(request, reply))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/password/change',
    {
      schema: {
        operationId: 'changePassword',
        summary: 'Change the password, given the current one',
        tags: ['users'],
        security: [{ bearer: [] }],
        body: PasswordChange,
        response: { 204: noContent('The password is changed, and all sessions of the user have ended') },
        problems: [...stepUpProblems(app), 'password_wrong', 'user_changed', 'locked', ...passwordProblems],
      },
    },
    async (request, reply) => {
      const { current_password, new_password } = request.body
      const { user, claims } = await app.authenticateUser(request)
      await requireStepUp(app, user, claims, new Date())
      const passwords = { current: current_password, new: new_password }
      const deviceCookie = await changePassword(app, user, claims, passwords, app.callerOf(request, reply))
      setDeviceCookie(app, reply, deviceCookie)
      return reply.code(204).send(null)
    },
  )
}

export default password
