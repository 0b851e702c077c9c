import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from './problems/problem.ts'
import type { AccessTokenClaims } from './tokens/access-token.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The claims of the request's access token. @throws Problem 401, or 503 when revocations are not known */
    authenticate(request: FastifyRequest): Promise<AccessTokenClaims>
  }
}

/** RFC 6750 section 2.1. */
export default fp(
  async function authenticate(app) {
    app.decorate('authenticate', async (request) => {
      const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (token === undefined)
        throw problem(401, 'token_missing', 'Send the access token as "Authorization: Bearer …".')
      const claims = await app.tokens.verifyAccessToken(token)
      switch (app.revocation.check(claims)) {
        case 'active':
          return claims
        case 'revoked':
          throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
        case 'unknown':
          throw problem(503, 'revocation_unknown', 'The server cannot tell now whether the session has ended.', {
            retryAfterSeconds: 2,
          })
      }
    })
  },
  { name: 'authenticate', dependencies: ['tokens', 'revocation'] },
)
