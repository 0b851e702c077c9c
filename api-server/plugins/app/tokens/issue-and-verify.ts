import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import jwt, { isJwtError } from '../../external/jwt.ts'
import { problem } from '../problems/problem.ts'
import {
  type AccessTokenClaims,
  invalidToken,
  newClaims,
  presentedAccessToken,
  requireClaims,
  requireCurrent,
  requireKey,
  requireTokenSize,
  type TokenPolicy,
  type TokenSubject,
} from './access-token.ts'
import { type AnyTokenClaims, type ClientTokenSubject, newClientClaims, requireAnyClaims } from './client-token.ts'
import { accessTokenType, type KeyStore } from './key-store.ts'

export interface IssuedToken {
  token: string
  jti: string
  expiresInSeconds: number
}

export interface AccessTokens {
  /** Signs with the active key. @throws Problem 503 `not_ready` when there is none */
  issue(subject: TokenSubject): IssuedToken
  /** The same for a client itself. */
  issueToClient(subject: ClientTokenSubject): IssuedToken
  /**
   * Verifies everything except revocation, for a token that is not in the header of a request.
   * @throws Problem 401
   */
  verify(token: string): AccessTokenClaims
  /** The same for a token that may be for another API. */
  verifyAny(token: string): AnyTokenClaims
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
    tokenOf: ({ headers }) => requireTokenSize(presentedAccessToken(headers.authorization).token),
    keyOf: (token) => requireKey(keys, token, now()).verifying,
    async requireTrusted(claims) {
      await requireActiveSession(requireValid(claims, now()))
    },
  })
  const sign = (at: Date, claims: AnyTokenClaims): IssuedToken => {
    const key = keys.signer(at)
    if (key === undefined) throw problem(503, 'not_ready', 'No signing key is active now.', { retryAfterSeconds: 5 })
    return { token: app.signJwt(claims, key), jti: claims.jti, expiresInSeconds: claims.exp - claims.iat }
  }
  return {
    issue(subject) {
      const at = now()
      return sign(at, newClaims(policy, subject, randomUUID(), at))
    },
    issueToClient(subject) {
      const at = now()
      return sign(at, newClientClaims(policy.issuer, subject, randomUUID(), at))
    },
    verify: (token) => verified(() => requireValid(app.verifyJwt(requireTokenSize(token)), now())),
    verifyAny: (token) =>
      verified(() => {
        const claims = requireAnyClaims(app.verifyJwt(requireTokenSize(token), 'any'))
        requireCurrent(claims, now())
        return claims
      }),
  }
}

/** @throws Problem 401 */
function verified<Claims>(verify: () => Claims): Claims {
  try {
    return verify()
  } catch (error) {
    throw asProblem(error)
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
