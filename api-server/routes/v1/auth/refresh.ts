import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../../../plugins/app/problems/problem.ts'
import { refreshTokens } from '../../../plugins/app/sessions/refresh.ts'
import { refreshRequest, tokenPair } from '../../../schemas/auth.ts'
import { accessTokenResponse } from './token-response.ts'

const refresh: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
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
          ...(app.mfa.isOn ? (['second_factor_required'] as const) : []),
          'rate_limited',
          'not_ready',
          'database_unavailable',
        ],
      },
      preHandler: cookieMode.requireCsrfToken,
    },
    async (request, reply) => {
      const presented = request.body?.refresh_token ?? cookieMode.refreshTokenOf(request)
      if (presented === undefined) throw problem(401, 'refresh_invalid', 'The refresh token is missing. Log in.')
      const { tokens, refusal } = await refreshTokens(app, presented, app.callerOf(request, reply), new Date())
      if (tokens === undefined) {
        cookieMode.forget(reply)
        throw refusal
      }
      const answer = accessTokenResponse(tokens.access)
      if (!cookieMode.isOn) return { ...answer, refresh_token: tokens.refreshToken }
      cookieMode.setRefreshToken(reply, tokens.refreshToken, tokens.session)
      return answer
    },
  )
}

export default refresh
