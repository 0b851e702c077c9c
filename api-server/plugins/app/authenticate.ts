import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from './problems/problem.ts'
import {
  type AccessTokenClaims,
  grantedToApplication,
  missingToken,
  presentedAccessToken,
} from './tokens/access-token.ts'
import { asProblem } from './tokens/issue-and-verify.ts'
import { type ProvenRequest, requirePossession } from './tokens/possession.ts'
import { VerifiedTokens } from './tokens/verified-tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The claims of the request's access token. Every authenticated route begins with it. The token of a client of the
     * OpenID provider is good for the APIs of others, and never for this one.
     * @throws Problem 401, or 503 when revocations are not known
     */
    authenticate(request: FastifyRequest): Promise<AccessTokenClaims>
    /**
     * The same for `GET /v1/auth/verify`, the one hot path, and with tokens of clients, whose scope the route checks: a
     * token that was verified before costs no signature check. Its key, its time and its session are checked for every
     * request; where one of them does not hold, `authenticate` decides. A token that is bound to a key needs a DPoP proof.
     * @param proven the request that a proof must name; undefined: it is not known, so that bound tokens are refused
     */
    authenticateRemembered(request: FastifyRequest, proven: () => ProvenRequest | undefined): Promise<AccessTokenClaims>
  }
}

export default fp(
  async function authenticate(app) {
    const verified = new VerifiedTokens(app.tokens.keys)
    const now = () => new Date()

    const verify = async (request: FastifyRequest): Promise<AccessTokenClaims> => {
      try {
        return await request.jwtVerify<AccessTokenClaims>()
      } catch (error) {
        throw asProblem(error)
      }
    }
    app.decorate('authenticate', async (request) => {
      if (presentedAccessToken(request.headers.authorization).isDpop) throw missingToken()
      return requireOwnToken(await verify(request))
    })
    app.decorate('authenticateRemembered', async (request, proven) => {
      const presented = presentedAccessToken(request.headers.authorization)
      let claims = verified.find(presented.token, now())
      if (claims === undefined || (await app.revocation.check(claims)) !== 'active') {
        claims = await verified.verifyAndRemember(presented.token, now, () => verify(request))
      }
      if (!presented.isDpop && claims.cnf === undefined) return claims
      const { dpop: proof } = request.headers
      const options = { presented, proof, request: proven(), acceptProof: app.oidc?.acceptProof }
      await requirePossession(claims, options, now())
      return claims
    })
  },
  { name: 'authenticate', dependencies: ['tokens', 'revocation'] },
)

/** @throws Problem 401 `token_invalid` */
function requireOwnToken(claims: AccessTokenClaims): AccessTokenClaims {
  if (grantedToApplication(claims) === undefined) return claims
  throw problem(401, 'token_invalid', 'This token is for an application. Log in at /v1/auth/login to use this route.')
}
