import { randomUUID } from 'node:crypto'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import { problem } from '../problems/problem.ts'
import type { KeyStore } from './key-store.ts'

/** What an access token says. RFC 9068, without what one audience does not need. */
export interface AccessTokenClaims {
  iss: string
  aud: string
  /** The user: hex of the document's `_id`. */
  sub: string
  /** The session, which a logout ends. */
  sid: string
  role: string
  jti: string
  /** Seconds since 1970, as all times of a JWT. */
  iat: number
  nbf: number
  exp: number
}

export interface IssuedToken {
  token: string
  jti: string
  expiresInSeconds: number
}

export interface TokenPolicy {
  issuer: string
  audience: string
  lifetimeSeconds: number
}

const leewaySeconds = 30
const requiredClaims = ['iss', 'aud', 'sub', 'sid', 'role', 'jti', 'iat', 'nbf', 'exp']

/** @throws when no signing key is active: the server is not ready then */
export async function issueAccessToken(
  keys: KeyStore,
  { issuer, audience, lifetimeSeconds }: TokenPolicy,
  subject: { userId: string; sessionId: string; role: string },
  now: Date,
): Promise<IssuedToken> {
  const key = keys.signer(now)
  if (key === undefined) throw new Error('no signing key is active')
  const issuedAt = Math.floor(now.getTime() / 1000)
  const jti = randomUUID()
  const token = await new SignJWT({ sid: subject.sessionId, role: subject.role })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject.userId)
    .setJti(jti)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(key.signing)
  return { token, jti, expiresInSeconds: lifetimeSeconds }
}

/**
 * Checks the signature with the algorithm of the key, never of the token, and every claim. Revocation comes after.
 * @throws Problem 401 `token_invalid` or `token_expired`
 */
export async function verifyAccessToken(
  keys: KeyStore,
  { issuer, audience }: TokenPolicy,
  token: string,
  now: Date,
): Promise<AccessTokenClaims> {
  try {
    const key = keys.verifier(decodeProtectedHeader(token).kid ?? '', now)
    if (key === undefined) throw problem(401, 'token_invalid', 'The token was signed with a key that is not known.')
    const { payload } = await jwtVerify<AccessTokenClaims>(token, key.verifying, {
      algorithms: [key.alg],
      typ: 'at+jwt',
      issuer,
      audience,
      requiredClaims,
      clockTolerance: leewaySeconds,
      currentDate: now,
    })
    if (payload.iat > now.getTime() / 1000 + leewaySeconds) {
      throw problem(401, 'token_invalid', 'The token was issued in the future.')
    }
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw problem(401, 'token_expired', 'The token has expired. Refresh it.')
    if (error instanceof errors.JOSEError || error instanceof TypeError) {
      throw problem(401, 'token_invalid', 'The token is not one of this server, or was changed.')
    }
    throw error
  }
}
