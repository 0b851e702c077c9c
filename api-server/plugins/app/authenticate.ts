import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from './problems/problem.ts'
import type { RevocationVerdict } from './revocation/plugin.ts'
import type { AccessTokenClaims } from './tokens/access-token.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The claims of the request's access token: at once where nothing has to be waited for, which is nearly always.
     * @throws Problem 401, or 503 when revocations are not known
     */
    authenticate(request: FastifyRequest): AccessTokenClaims | Promise<AccessTokenClaims>
  }
}

/**
 * RFC 6750 section 2.1. Two steps, for every request: the token is good (what does not depend on the time may be
 * remembered between requests), and its session has not ended (never remembered: a revocation counts at once).
 */
export default fp(
  async function authenticate(app) {
    const ofRunningSession = (claims: AccessTokenClaims): AccessTokenClaims | Promise<AccessTokenClaims> => {
      const verdict = app.revocation.check(claims)
      return typeof verdict === 'string' ? judge(claims, verdict) : verdict.then((late) => judge(claims, late))
    }
    app.decorate('authenticate', (request) => {
      const token = bearerToken(request.headers.authorization)
      if (token === undefined)
        throw problem(401, 'token_missing', 'Send the access token as "Authorization: Bearer …".')
      const claims = app.tokens.verifyAccessToken(token)
      return claims instanceof Promise ? claims.then(ofRunningSession) : ofRunningSession(claims)
    })
  },
  { name: 'authenticate', dependencies: ['tokens', 'revocation'] },
)

function judge(claims: AccessTokenClaims, verdict: RevocationVerdict): AccessTokenClaims {
  switch (verdict) {
    case 'active':
      return claims
    case 'revoked':
      throw problem(401, 'session_revoked', 'The session has ended. Log in again.')
    case 'unknown':
      throw problem(503, 'revocation_unknown', 'The server cannot tell now whether the session has ended.', {
        retryAfterSeconds: 2,
      })
  }
}

const usual = 'Bearer '

function bearerToken(authorization = ''): string | undefined {
  // Nearly every request: a search for one character instead of a match of all of them.
  if (authorization.startsWith(usual) && !authorization.includes(' ', usual.length)) {
    return authorization.slice(usual.length) || undefined
  }
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1]
}
