import type { FastifyInstance } from 'fastify'
import { Problem } from '../problems/problem.ts'
import type { AnyTokenClaims } from '../tokens/client-token.ts'

/** The claims of a possible access token for any API; undefined if it is not a valid one. Does not check revocation. */
export async function claimsOf(app: FastifyInstance, token: string): Promise<AnyTokenClaims | undefined> {
  try {
    return await app.tokens.verifyAnyToken(token)
  } catch (error) {
    if (error instanceof Problem && error.statusCode === 401) return undefined
    throw error
  }
}
