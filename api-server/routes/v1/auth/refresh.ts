import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { sessionIdOf } from '../../../plugins/app/sessions/refresh-token.ts'
import type { RefreshResult } from '../../../plugins/app/sessions/store.ts'
import { isActive, roleOf } from '../../../plugins/app/users/user.ts'
import { RefreshRequest, TokenPair } from '../../../schemas/auth.ts'

const refresh: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config
  app.post(
    '/refresh',
    {
      schema: {
        operationId: 'refreshTokens',
        summary: 'Exchange a refresh token for a new pair',
        tags: ['sessions'],
        body: RefreshRequest,
        response: { 200: TokenPair },
        problems: [
          'refresh_invalid',
          'refresh_expired',
          'refresh_reused',
          'session_revoked',
          'rate_limited',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { refresh_token: presented } = request.body
      // With the address, because a session's id is no secret: nobody else can use its limit up.
      const subject = `${sessionIdOf(presented) ?? 'unknown'}:${request.ip}`
      await app.limits.use('refresh', subject, limits.refresh, request, reply)
      const result = await app.sessions.refresh(presented)
      if (result.outcome !== 'refreshed') throw await refusal(result, request.ip)

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
      return {
        access_token: issued.token,
        token_type: 'Bearer' as const,
        expires_in: issued.expiresInSeconds,
        refresh_token: refreshToken,
      }
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
