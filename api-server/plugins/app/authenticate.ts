import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type AccessTokenClaims, bearerToken } from './tokens/access-token.ts'
import { asProblem } from './tokens/issue-and-verify.ts'
import { VerifiedTokens } from './tokens/verified-tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The claims of the request's access token. Every authenticated route begins with it.
     * @throws Problem 401, or 503 when revocations are not known
     */
    authenticate(request: FastifyRequest): Promise<AccessTokenClaims>
    /**
     * The same for `GET /v1/auth/verify`, the one hot path: a token that was verified before costs no signature check.
     * Its key, its time and its session are checked for every request; where one of them does not hold, `authenticate`
     * decides.
     */
    authenticateRemembered(request: FastifyRequest): Promise<AccessTokenClaims>
  }
}

export default fp(
  async function authenticate(app) {
    const verified = new VerifiedTokens(app.tokens.keys)
    const now = () => new Date()

    app.decorate('authenticate', async (request) => {
      try {
        return await request.jwtVerify<AccessTokenClaims>()
      } catch (error) {
        throw asProblem(error)
      }
    })
    app.decorate('authenticateRemembered', async (request) => {
      const token = bearerToken(request.headers.authorization)
      const claims = verified.find(token, now())
      if (claims !== undefined && (await app.revocation.check(claims)) === 'active') return claims
      return verified.verifyAndRemember(token, now, () => app.authenticate(request))
    })
  },
  { name: 'authenticate', dependencies: ['tokens', 'revocation'] },
)
