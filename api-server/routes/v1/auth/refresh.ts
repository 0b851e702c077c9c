import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../../../plugins/app/problems/problem.ts'
import { hashOf } from '../../../plugins/app/sessions/refresh-token.ts'
import type { RefreshResult } from '../../../plugins/app/sessions/store.ts'
import { isActive } from '../../../plugins/app/users/user.ts'
import { answers, RefreshRequest, TokenPair } from '../../../schemas/auth.ts'

const refresh: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config
  app.post(
    '/refresh',
    {
      schema: {
        summary: 'Exchange a refresh token for a new pair',
        tags: ['sessions'],
        body: RefreshRequest,
        response: answers({ 200: TokenPair }, 400, 401, 429, 503),
      },
    },
    async (request, reply) => {
      const { refresh_token: presented } = request.body
      await app.limits.use('refresh', hashOf(presented), limits.refresh, request, reply)
      const result = await app.sessions.refresh(presented, new Date())
      if (result.outcome !== 'refreshed') throw await refusal(result, request.ip)

      const { session, refreshToken } = result
      const userId = session.userId.toHexString()
      const user = await app.users.findById(userId)
      if (user === null || !isActive(user))
        throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
      const issued = await app.tokens.issueAccessToken({ userId, sessionId: session._id, role: user.role ?? 'user' })
      app.metrics.tokensIssued.inc({ kind: 'access' })
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
  async function refusal(result: Exclude<RefreshResult, { outcome: 'refreshed' }>, address: string) {
    switch (result.outcome) {
      case 'unknown':
        return problem(401, 'refresh_invalid', 'The refresh token is not known. Log in again.')
      case 'expired':
        return problem(401, 'refresh_expired', 'The session has expired. Log in again.')
      case 'revoked':
        return problem(401, 'session_revoked', 'The session has ended. Log in again.')
      case 'reused': {
        const { _id: sessionId, userId } = result.session
        await app.sessions.revoke(sessionId, 'reuse', new Date())
        await app.revocation.revokeSession(sessionId)
        app.securityEvents.record('authn_token_reuse', { userId: userId.toHexString(), sessionId, address })
        return problem(401, 'refresh_reused', 'The refresh token was used before. The session was ended. Log in again.')
      }
    }
  }
}

export default refresh
