import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../../../plugins/app/problems/problem.ts'
import { isActive, publicUser, roleOf } from '../../../plugins/app/users/user.ts'
import { answers, Credentials, Login } from '../../../schemas/auth.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config
  app.post(
    '/login',
    {
      schema: {
        summary: 'Log in',
        tags: ['sessions'],
        body: Credentials,
        response: answers({ 200: Login }, 400, 401, 429, 503),
      },
    },
    async (request, reply) => {
      const { email, password } = request.body
      const from = { email, address: request.ip }
      await app.limits.use('login:address', request.ip, limits.login, request, reply)
      await app.limits.requireUnlocked(request.ip, email)

      const user = await app.users.findByEmail(email)
      const matches = await app.passwords.matches(password, user?.password_hash)
      if (user === null || !matches || !isActive(user)) {
        await app.limits.recordFailure(request.ip, email)
        app.metrics.logins.inc({ outcome: 'invalid_credentials' })
        app.securityEvents.record('authn_login_fail', from)
        throw problem(401, 'invalid_credentials', 'The email or the password is wrong.')
      }

      await app.limits.forgetFailures(request.ip, email)
      const now = new Date()
      const upgraded = app.passwords.needsUpgrade(user.password_hash) ? await app.passwords.hash(password) : undefined
      const userId = user._id.toHexString()
      // In this order: a password change or a disabling since the user was read either ends what is recorded here, or
      // comes before the version and makes this a session that has ended.
      const version = await app.revocation.versionOf(userId)
      if (!(await app.users.recordLogin(user, now, upgraded))) {
        throw problem(401, 'invalid_credentials', 'The email or the password is wrong.')
      }
      const device = request.headers['user-agent']?.slice(0, 256)
      const { session, refreshToken } = await app.sessions.create(
        { userId: user._id, version, address: request.ip, ...(device !== undefined && { device }) },
        now,
      )
      const issued = await app.tokens.issueAccessToken({ userId, role: roleOf(user), session })
      app.metrics.logins.inc({ outcome: 'success' })
      app.metrics.tokensIssued.inc({ kind: 'access' })
      app.metrics.tokensIssued.inc({ kind: 'refresh' })
      app.securityEvents.record('authn_login_success', { ...from, userId, sessionId: session._id })
      return {
        access_token: issued.token,
        token_type: 'Bearer' as const,
        expires_in: issued.expiresInSeconds,
        refresh_token: refreshToken,
        user: publicUser({ ...user, last_login: now }),
      }
    },
  )
}

export default login
