import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Problem, problem } from '../../../plugins/app/problems/problem.ts'
import { logOut, logOutEverywhere } from '../../../plugins/app/sessions/logout.ts'
import type { AccessTokenClaims } from '../../../plugins/app/tokens/access-token.ts'
import { logoutRequest, noContent } from '../../../schemas/auth.ts'

const logout: FastifyPluginAsyncTypebox = async (app) => {
  const { cookieMode } = app
  const answer = { 204: noContent('The tokens are invalid on every server') }

  app.post(
    '/logout',
    {
      schema: {
        operationId: 'logOut',
        summary: 'End the session of the access token, of the refresh token, or of both',
        description:
          'Either token is enough. The access token may have expired, and the refresh token may have been used.',
        tags: ['sessions'],
        security: [{ bearer: [] }, ...(cookieMode.isOn ? [{ refreshCookie: [], csrfToken: [] }] : []), {}],
        body: logoutRequest,
        response: answer,
        problems: [
          ...(cookieMode.isOn ? (['csrf_failed'] as const) : []),
          'refresh_invalid',
          'rate_limited',
          'database_unavailable',
        ],
      },
      // A header that other sites cannot make a browser send replaces the CSRF token.
      preHandler(request, reply, done) {
        const isByCookie =
          request.headers.authorization === undefined && cookieMode.refreshTokenOf(request) !== undefined
        if (isByCookie) cookieMode.requireCsrfToken.call(app, request, reply, done)
        else done()
      },
    },
    async (request, reply) => {
      const refreshToken = request.body?.refresh_token ?? cookieMode.refreshTokenOf(request)
      const claims = await claimsOrProblem(request)
      const tokens = { claims: claims instanceof Problem ? undefined : claims, refreshToken }
      const namesSession = await logOut(app, tokens, app.callerOf(request, reply))
      // Not before, because a browser whose logout fails needs its cookie to retry.
      cookieMode.forget(reply)
      if (claims instanceof Problem && !namesSession) {
        const hasOnlyRefreshToken = refreshToken !== undefined && request.headers.authorization === undefined
        throw hasOnlyRefreshToken ? problem(401, 'refresh_invalid', 'The refresh token is unknown.') : claims
      }
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/logout-all',
    {
      schema: {
        operationId: 'logOutEverywhere',
        summary: 'End all sessions and mailed links of the user',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        response: answer,
        problems: ['database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub: userId } = await app.authenticate(request)
      await logOutEverywhere(app, userId, app.callerOf(request, reply))
      cookieMode.forget(reply)
      return reply.code(204).send(null)
    },
  )

  /** The claims of the access token, or why it identifies no active session. */
  async function claimsOrProblem(request: FastifyRequest): Promise<AccessTokenClaims | Problem> {
    try {
      return await app.authenticate(request)
    } catch (error) {
      if (error instanceof Problem && error.statusCode === 401) return error
      throw error
    }
  }
}

export default logout
