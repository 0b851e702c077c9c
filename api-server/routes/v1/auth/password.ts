import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { addressKey } from '../../../plugins/app/limits/address-key.ts'
import { PasswordChange, PasswordReset } from '../../../schemas/accounts.ts'
import { noContent } from '../../../schemas/auth.ts'
import { mailOnRequest } from './mail-on-request.ts'

const passwordProblems = [
  ...(['password_too_short', 'password_too_long', 'password_common', 'password_unusable'] as const),
  ...(['rate_limited', 'busy', 'database_unavailable'] as const),
] as const

const password: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config

  mailOnRequest(app, {
    path: '/password/forgot',
    operationId: 'forgotPassword',
    summary: 'Ask for a link to choose a new password',
    counted: 'forgot',
    send: (email) => app.accounts.password.sendResetLink(email),
  })

  app.post(
    '/password/reset',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Choose a new password with the token of the link',
        tags: ['users'],
        body: PasswordReset,
        response: { 204: noContent('The password is changed, and every session of the user has ended') },
        problems: ['one_time_token_invalid', ...passwordProblems],
      },
    },
    async (request, reply) => {
      await app.limits.use('reset', addressKey(request.ip), limits.reset, request, reply)
      const { token, new_password: newPassword } = request.body
      app.passwords.requireReadable(newPassword)
      await app.accounts.password.reset(token, newPassword, request.ip)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/password/change',
    {
      schema: {
        operationId: 'changePassword',
        summary: 'Choose a new password with the old one',
        tags: ['users'],
        security: [{ bearer: [] }],
        body: PasswordChange,
        response: { 204: noContent('The password is changed, and every session of the user has ended') },
        problems: ['password_wrong', 'user_changed', ...passwordProblems],
      },
    },
    async (request, reply) => {
      const user = await app.authenticateUser(request)
      await app.limits.use('sensitive', user._id.toHexString(), limits.sensitive, request, reply)
      const { current_password: current, new_password: newPassword } = request.body
      await app.accounts.password.change(user, current, newPassword, request.ip)
      return reply.code(204).send(null)
    },
  )
}

export default password
