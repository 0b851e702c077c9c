import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import jwt, { isJwtError } from '../../external/jwt.ts'
import { problem } from '../problems/problem.ts'
import {
  type AccessTokenClaims,
  bearerToken,
  invalidToken,
  newClaims,
  requireClaims,
  requireCurrent,
  requireKey,
  requireTokenSize,
  type TokenPolicy,
  type TokenSubject,
} from './access-token.ts'
import { accessTokenType, type KeyStore } from './key-store.ts'

export interface IssuedToken {
  token: string
  jti: string
  expiresInSeconds: number
}

export interface AccessTokens {
  /** Signs with the active key. @throws Problem 503 `not_ready` when there is none */
  issue(subject: TokenSubject): IssuedToken
  /**
   * Verifies everything except revocation, for a token that is not in the header of a request.
   * @throws Problem 401
   */
  verify(token: string): AccessTokenClaims
}

export interface AccessTokenOptions {
  keys: KeyStore
  policy: TokenPolicy
  /** Called for every valid token of a request. @throws Problem for one whose session has ended */
  requireActiveSession(claims: AccessTokenClaims): Promise<void>
  now?: () => Date
}

/** Makes `request.jwtVerify` accept the access tokens of `keys`, and nothing else. */
export async function registerAccessTokens(
  app: FastifyInstance,
  { keys, policy, requireActiveSession, now = () => new Date() }: AccessTokenOptions,
): Promise<AccessTokens> {
  await app.register(jwt, {
    algorithms: ['HS256', 'ES256', 'EdDSA'],
    issuer: policy.issuer,
    audience: policy.audience,
    type: accessTokenType,
    tokenOf: ({ headers }) => requireTokenSize(bearerToken(headers.authorization)),
    keyOf: (token) => requireKey(keys, token, now()).verifying,
    async requireTrusted(claims) {
      await requireActiveSession(requireValid(claims, now()))
    },
  })
  return {
    issue(subject) {
      const at = now()
      const key = keys.signer(at)
      if (key === undefined) throw problem(503, 'not_ready', 'No signing key is active now.', { retryAfterSeconds: 5 })
      const claims = newClaims(policy, subject, randomUUID(), at)
      return { token: app.signJwt(claims, key), jti: claims.jti, expiresInSeconds: claims.exp - claims.iat }
    },
    verify(token) {
      try {
        return requireValid(app.verifyJwt(requireTokenSize(token)), now())
      } catch (error) {
        throw asProblem(error)
      }
    },
  }
}

function requireValid(unchecked: unknown, now: Date): AccessTokenClaims {
  const claims = requireClaims(unchecked)
  requireCurrent(claims, now)
  return claims
}

/** The problem for an error of the JWT library; other errors are unchanged. */
export function asProblem(error: unknown): unknown {
  return isJwtError(error) ? invalidToken(error) : error
}
