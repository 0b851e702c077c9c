import type { FastifyInstance } from 'fastify'
import { Problem } from '../problems/problem.ts'
import type { AccessTokenClaims } from '../tokens/access-token.ts'

/** The claims of a possible access token; undefined if it is not a valid one. Does not check revocation. */
export async function claimsOf(app: FastifyInstance, token: string): Promise<AccessTokenClaims | undefined> {
  try {
    return await app.tokens.verifyAccessToken(token)
  } catch (error) {
    if (error instanceof Problem && error.statusCode === 401) return undefined
    throw error
  }
}
