import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../../plugins/app/problems/problem.ts'
import { isActive, publicUser, type StoredUser } from '../../plugins/app/users/user.ts'
import { AccountDeletion, Profile, ProfileChange } from '../../schemas/accounts.ts'
import { noContent } from '../../schemas/auth.ts'

const me: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config
  const schema = { tags: ['users'], security: [{ bearer: [] }] }

  const profileOf = async (user: StoredUser, pendingEmail?: string) => ({
    ...publicUser(user),
    email_verified: await app.verifiedEmails.has(user),
    pending_email: pendingEmail ?? (await app.oneTimeTokens.pendingEmail(user._id, new Date())) ?? null,
  })

  app.get(
    '/me',
    {
      schema: {
        ...schema,
        operationId: 'getMe',
        summary: 'The user of the access token',
        response: { 200: Profile },
        problems: ['database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub } = await app.authenticate(request)
      await app.limits.use('profile', sub, limits.profile, request, reply)
      const user = await app.users.findStaleById(sub)
      if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user is gone or was disabled.')
      reply.header('cache-control', 'no-store')
      return profileOf(user)
    },
  )

  app.patch(
    '/me',
    {
      schema: {
        ...schema,
        operationId: 'changeMe',
        summary: 'Change the name, or ask for another email',
        description: 'A new email needs the current password and counts once the link that is sent there was opened.',
        body: ProfileChange,
        response: { 200: Profile },
        problems: [
          ...(['password_wrong', 'password_too_long', 'password_unusable', 'user_changed'] as const),
          ...(['mail_not_configured', 'rate_limited', 'busy', 'database_unavailable'] as const),
        ],
      },
    },
    async (request, reply) => {
      const { name, email, current_password: password = '' } = request.body
      const user = await app.authenticateUser(request)
      const userId = user._id.toHexString()
      const newEmail = email === user.email ? undefined : email
      if (newEmail === undefined) {
        await app.limits.use('profile', userId, limits.profile, request, reply)
      } else {
        app.mail.require()
        await app.limits.use('sensitive', userId, limits.sensitive, request, reply)
        await app.accounts.password.require(user, password)
      }
      const changed = name === undefined ? user : await app.accounts.change(user, { name })
      if (name !== undefined) app.securityEvents.record('user_updated', { userId, address: request.ip, reason: 'name' })
      if (newEmail !== undefined) app.accounts.email.sendChange(user, newEmail)
      reply.header('cache-control', 'no-store')
      return profileOf(changed, newEmail)
    },
  )

  app.delete(
    '/me',
    {
      schema: {
        ...schema,
        operationId: 'deleteMe',
        summary: 'Delete the account of the access token',
        body: AccountDeletion,
        response: { 204: noContent('The user is gone, and every session with it') },
        problems: [
          ...(['password_wrong', 'password_too_long', 'password_unusable', 'last_admin', 'user_changed'] as const),
          ...(['rate_limited', 'busy', 'database_unavailable'] as const),
        ],
      },
    },
    async (request, reply) => {
      const user = await app.authenticateUser(request)
      const userId = user._id.toHexString()
      await app.limits.use('sensitive', userId, limits.sensitive, request, reply)
      await app.accounts.password.require(user, request.body.current_password)
      await app.accounts.delete(user)
      app.securityEvents.record('user_deleted', { userId, address: request.ip, reason: 'by the user' })
      return reply.code(204).send(null)
    },
  )
}

export default me
