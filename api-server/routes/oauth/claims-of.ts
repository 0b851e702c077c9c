import type { FastifyInstance } from 'fastify'
import { Problem } from '../../plugins/app/problems/problem.ts'
import type { AccessTokenClaims } from '../../plugins/app/tokens/access-token.ts'

/** The claims of what may be an access token; undefined where it is none that is good. Revocation is not looked at. */
export async function claimsOf(app: FastifyInstance, token: string): Promise<AccessTokenClaims | undefined> {
  try {
    return await app.tokens.verifyAccessToken(token)
  } catch (error) {
    if (error instanceof Problem && error.statusCode === 401) return undefined
    throw error
  }
}
