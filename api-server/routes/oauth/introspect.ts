import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { problem } from '../../plugins/app/problems/problem.ts'
import { isActive } from '../../plugins/app/users/user.ts'
import { formType, Introspection, TokenQuery } from '../../schemas/oauth.ts'
import { claimsOf } from './claims-of.ts'

const inactive = { active: false }

/** RFC 7662. */
const introspect: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/introspect',
    {
      // An access token is judged without it; a refresh token is not.
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'introspectToken',
        summary: 'Tell a resource server what is known about a token (RFC 7662)',
        tags: ['oauth'],
        security: [{ client: [] }],
        consumes: [formType],
        body: TokenQuery,
        response: { 200: Introspection },
        problems: ['invalid_client', 'rate_limited', 'revocation_unknown', 'database_unavailable'],
      },
    },
    async ({ body: { token } }) =>
      (await accessToken(token)) ?? (await app.mongo.watch.whileUp(() => refreshToken(token))) ?? inactive,
  )

  async function accessToken(token: string): Promise<Static<typeof Introspection> | undefined> {
    const claims = await claimsOf(app, token)
    if (claims === undefined) return undefined
    switch (await app.revocation.check(claims)) {
      case 'revoked':
        return inactive
      case 'unknown':
        throw problem(503, 'revocation_unknown', 'The server cannot tell now whether the session has ended.', {
          retryAfterSeconds: 2,
        })
      case 'active': {
        const { iss, aud, sub, sid, role, jti, iat, nbf, exp } = claims
        return { active: true, token_use: 'access', token_type: 'Bearer', iss, aud, sub, sid, role, jti, iat, nbf, exp }
      }
    }
  }

  async function refreshToken(token: string): Promise<Static<typeof Introspection> | undefined> {
    const found = await app.sessions.inspect(token)
    if (found?.outcome !== 'rotate' && found?.outcome !== 'repeat') return undefined
    const { session } = found
    const sub = session.userId.toHexString()
    const [user, version] = await Promise.all([app.users.findById(sub), app.revocation.versionOf(sub)])
    if (user === null || !isActive(user) || session.version < version) return undefined
    const end = Math.min(session.idleExpiresAt.getTime(), session.expiresAt.getTime())
    return {
      active: true,
      token_use: 'refresh',
      iss: app.config.issuer,
      sub,
      sid: session._id,
      iat: seconds(session.current.issuedAt),
      exp: Math.floor(end / 1000),
    }
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

export default introspect
