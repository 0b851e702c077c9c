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

/**
 * RFC 6750 section 2.1. Two steps, for every request: the token is good (what does not depend on the time may be
 * remembered between requests), and its session has not ended (never remembered: a revocation counts at once).
 */
export default fp(
  async function authenticate(app) {
    app.decorate('authenticate', async (request) => {
      const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (token === undefined)
        throw problem(401, 'token_missing', 'Send the access token as "Authorization: Bearer …".')
      const claims = await app.tokens.verifyAccessToken(token)
      const verdict = app.revocation.check(claims)
      // Nearly always from memory, and then without a turn of the event loop.
      switch (typeof verdict === 'string' ? verdict : await verdict) {
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
