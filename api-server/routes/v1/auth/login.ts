import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { isActive, publicUser, roleOf, type StoredUser } from '../../../plugins/app/users/user.ts'
import { Credentials, loginAnswer } from '../../../schemas/auth.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  app.post(
    '/login',
    {
      schema: {
        operationId: 'logIn',
        summary: 'Log in',
        tags: ['sessions'],
        body: Credentials,
        response: { 200: loginAnswer(cookieMode.isOn) },
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
      const from = { email, address: request.ip }
      app.passwords.requireReadable(password)
      const { user, device, settle } = await app.loginAttempts.open(email, request, reply)

      const check = await app.passwords.check(password, user?.password_hash)
      const isRight = user !== null && check.matches && isActive(user)
      const failuresBefore = await settle(isRight)
      if (!isRight) throw invalidCredentials(from)

      const now = new Date()
      const upgraded = check.needsUpgrade ? await upgradedHash(password) : undefined
      const userId = user._id.toHexString()
      // In this order: a password change or a disabling since the user was read either ends what is recorded here, or
      // comes before the version and makes this a session that has ended.
      const version = await app.revocation.versionOf(userId)
      if (!(await recordLogin(user, password, now, upgraded))) throw invalidCredentials(from)
      await endReplacedSession(request)
      const userAgent = request.headers['user-agent']?.slice(0, 256)
      const { session, refreshToken } = await app.sessions.create(
        { userId: user._id, version, address: request.ip, ...(userAgent !== undefined && { device: userAgent }) },
        now,
      )
      app.securityEvents.record('session_created', { userId, sessionId: session._id, address: request.ip })
      await app.loginAttempts.rememberDevice(user._id, device, request, reply)
      const issued = await app.tokens.issueAccessToken({ userId, role: roleOf(user), session })
      app.metrics.logins.inc({ outcome: 'success' })
      app.metrics.tokensIssued.inc({ kind: 'access' })
      app.metrics.tokensIssued.inc({ kind: 'refresh' })
      const event = failuresBefore === 0 ? 'authn_login_success' : 'authn_login_successafterfail'
      app.securityEvents.record(event, { ...from, userId, sessionId: session._id })
      const answer = {
        access_token: issued.token,
        token_type: 'Bearer' as const,
        expires_in: issued.expiresInSeconds,
        user: publicUser({ ...user, last_login: now }),
      }
      if (!cookieMode.isOn) return { ...answer, refresh_token: refreshToken }
      cookieMode.setRefreshToken(reply, refreshToken, session)
      return { ...answer, csrf_token: cookieMode.csrfToken(request, reply, { fresh: true }) }
    },
  )

  /** The one that the same browser had, whose cookie this log-in overwrites: nobody could end it any more. */
  async function endReplacedSession(request: FastifyRequest): Promise<void> {
    const presented = cookieMode.refreshTokenOf(request)
    const found = presented === undefined ? undefined : await app.sessions.inspect(presented)
    if (found?.outcome !== 'rotate' && found?.outcome !== 'repeat') return
    const { _id: sessionId, userId } = found.session
    await app.revocation.revokeSession(sessionId, 'logout')
    const whose = { userId: userId.toHexString(), sessionId, address: request.ip }
    app.securityEvents.record('authn_token_revoked', { ...whose, reason: 'replaced by a log-in' })
  }

  function invalidCredentials(from: { email: string; address: string }): Problem {
    app.metrics.logins.inc({ outcome: 'invalid_credentials' })
    app.securityEvents.record('authn_login_fail', from)
    return problem(401, 'invalid_credentials', 'The email or the password is wrong.')
  }

  /** A log-in of the same user at the same time may have replaced the old hash: then the password is that of the new. */
  async function recordLogin(user: StoredUser, password: string, now: Date, upgraded: string | undefined) {
    if (await app.users.recordLogin(user, now, upgraded)) return true
    const changed = await app.users.findById(user._id.toHexString())
    if (changed === null || !(await app.passwords.check(password, changed.password_hash)).matches) return false
    return app.users.recordLogin(changed, now, undefined)
  }

  /** The old hash does for now when there is no time for a new one. */
  async function upgradedHash(password: string): Promise<string | undefined> {
    try {
      return await app.passwords.hash(password)
    } catch (error) {
      if (error instanceof Problem && error.code === 'busy') return undefined
      throw error
    }
  }
}

export default login
