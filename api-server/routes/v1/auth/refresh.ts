import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { sessionIdOf } from '../../../plugins/app/sessions/refresh-token.ts'
import type { RefreshResult } from '../../../plugins/app/sessions/store.ts'
import { isActive, roleOf } from '../../../plugins/app/users/user.ts'
import { refreshRequest, tokenPair } from '../../../schemas/auth.ts'

const refresh: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode, config } = app
  app.post(
    '/refresh',
    {
      schema: {
        operationId: 'refreshTokens',
        summary: 'Exchange a refresh token for a new pair',
        tags: ['sessions'],
        ...(cookieMode.isOn && { security: [{ refreshCookie: [], csrfToken: [] }, {}] }),
        body: refreshRequest(cookieMode.isOn),
        response: { 200: tokenPair(cookieMode.isOn) },
        problems: [
          ...(cookieMode.isOn ? (['csrf_failed'] as const) : []),
          'refresh_invalid',
          'refresh_expired',
          'refresh_reused',
          'session_revoked',
          'rate_limited',
          'not_ready',
          'database_unavailable',
        ],
      },
      preHandler: cookieMode.requireCsrfToken,
    },
    async (request, reply) => {
      const presented = request.body?.refresh_token ?? cookieMode.refreshTokenOf(request)
      if (presented === undefined) throw problem(401, 'refresh_invalid', 'There is no refresh token. Log in.')
      // With the address, because a session's id is no secret: nobody else can use its limit up.
      const subject = `${sessionIdOf(presented) ?? 'unknown'}:${request.ip}`
      await app.limits.use('refresh', subject, config.limits.refresh, request, reply)
      const result = await app.sessions.refresh(presented)
      if (result.outcome !== 'refreshed') {
        cookieMode.forget(reply)
        throw await refusal(result, request.ip)
      }

      const { session, refreshToken } = result
      const userId = session.userId.toHexString()
      // Now, after the rotation: what ended the session since its log-in is seen here, or ends the token below.
      const [user, version] = await Promise.all([app.users.findById(userId), app.revocation.versionOf(userId)])
      if (user === null || !isActive(user) || session.version < version)
        throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
      const issued = await app.tokens.issueAccessToken({ userId, role: roleOf(user), session })
      app.metrics.tokensIssued.inc({ kind: 'access' })
      app.metrics.tokensIssued.inc({ kind: 'refresh' })
      app.securityEvents.record('session_renewed', { userId, sessionId: session._id, address: request.ip })
      const answer = {
        access_token: issued.token,
        token_type: 'Bearer' as const,
        expires_in: issued.expiresInSeconds,
      }
      if (!cookieMode.isOn) return { ...answer, refresh_token: refreshToken }
      cookieMode.setRefreshToken(reply, refreshToken, session)
      return answer
    },
  )

  /** A token that was spent before is in two hands: the whole family ends. */
  async function refusal(result: Exclude<RefreshResult, { outcome: 'refreshed' }>, address: string): Promise<Problem> {
    switch (result.outcome) {
      case 'unknown':
        return problem(401, 'refresh_invalid', 'The refresh token is not known. Log in again.')
      case 'expired':
        app.securityEvents.record('session_expired', { sessionId: result.session._id, address })
        return problem(401, 'refresh_expired', 'The session has expired. Log in again.')
      case 'revoked':
        return problem(401, 'session_revoked', 'The session has ended. Log in again.')
      case 'reused': {
        const { _id: sessionId, userId } = result.session
        await app.revocation.revokeSession(sessionId, 'reuse')
        app.securityEvents.record('authn_token_reuse', { userId: userId.toHexString(), sessionId, address })
        return problem(401, 'refresh_reused', 'The refresh token was used before. The session was ended. Log in again.')
      }
    }
  }
}

export default refresh
