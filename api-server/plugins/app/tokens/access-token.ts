import { randomUUID } from 'node:crypto'
import { compactVerify, errors, SignJWT } from 'jose'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { problem } from '../problems/problem.ts'
import type { KeyStore, LoadedKey } from './key-store.ts'

const NumericDate = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Name = Type.String({ minLength: 1 })

/** What an access token says. RFC 9068, without what one audience does not need. Times are in seconds since 1970. */
const AccessTokenClaims = Type.Object({
  iss: Name,
  aud: Name,
  /** The user: hex of the document's `_id`. */
  sub: Name,
  /** The session, which a logout ends. */
  sid: Name,
  role: Name,
  /** The user's watermark when the session began: a token with less than the watermark of now is revoked. */
  ver: NumericDate,
  jti: Name,
  iat: NumericDate,
  nbf: NumericDate,
  exp: NumericDate,
})
export type AccessTokenClaims = Static<typeof AccessTokenClaims>

export interface IssuedToken {
  token: string
  jti: string
  expiresInSeconds: number
}

/** Who a token is for, and the session that it belongs to. */
export interface TokenSubject {
  userId: string
  role: string
  session: { _id: string; version: number; expiresAt: Date }
}

export interface TokenPolicy {
  issuer: string
  audience: string
  lifetimeSeconds: number
}

/** How far the clocks of servers may differ. */
export const leewaySeconds = 30
/** Ours have about 600. A header of 8 KiB would fit more, none of it worth a signature check. */
const mostCharacters = 4_096

/**
 * A token never outlives its session.
 * @throws Problem 503 `not_ready` when no signing key is active
 */
export async function issueAccessToken(
  keys: KeyStore,
  { issuer, audience, lifetimeSeconds }: TokenPolicy,
  { userId, role, session }: TokenSubject,
  now: Date,
): Promise<IssuedToken> {
  const key = keys.signer(now)
  if (key === undefined) throw problem(503, 'not_ready', 'No signing key is active now.', { retryAfterSeconds: 5 })
  const issuedAt = Math.floor(now.getTime() / 1000)
  const expiresInSeconds = Math.min(lifetimeSeconds, Math.floor(session.expiresAt.getTime() / 1000) - issuedAt)
  const jti = randomUUID()
  const token = await new SignJWT({ sid: session._id, role, ver: session.version })
    .setProtectedHeader(key.header)
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(userId)
    .setJti(jti)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + expiresInSeconds)
    .sign(key.signing)
  return { token, jti, expiresInSeconds }
}

/** What is true of a token at any time; what depends on the time is `requireCurrent`. */
export interface SignedToken {
  /** Its first segment, as it came. */
  header: string
  claims: AccessTokenClaims
  key: LoadedKey
}

/**
 * Reads a token that one of our keys has signed, and checks all that does not depend on the time.
 *
 * For whoever keeps the result: the key belongs to it. It holds only while `keys.verifier` still gives that very key
 * for the token's header; and the time and the revocations are looked at for every request, after any cache.
 *
 * @throws Problem 401 `token_invalid`
 */
export async function readAccessToken(
  keys: KeyStore,
  { issuer, audience }: Pick<TokenPolicy, 'issuer' | 'audience'>,
  token: string,
  now: Date,
): Promise<SignedToken> {
  const segments = token.length <= mostCharacters ? token.split('.') : []
  const [header, payload, signature] = segments
  if (header === undefined || payload === undefined || signature === undefined || segments.length !== 3) throw invalid()
  // Only this server issues, so a header is one of those that it writes, byte by byte. Whatever else a header could
  // carry (another alg, none, jwk, jku, x5u, crit, a key twice) is refused before anything reads it. Decision 0010.
  const key = keys.verifier(header, now)
  if (key === undefined || !isCanonical(signature)) throw invalid()

  const claims = await signedClaims(token, key)
  // One spelling: no claim twice, no white space, no second base64 of the same bytes.
  if (Buffer.from(JSON.stringify(claims)).toString('base64url') !== payload) throw invalid()
  if (!claimsCheck.Check(claims) || claims.iss !== issuer || claims.aud !== audience) throw invalid()
  return { header, claims, key }
}

const claimsCheck = Compile(AccessTokenClaims)

/** @throws Problem 401 `token_expired` or `token_invalid` */
export function requireCurrent({ iat, nbf, exp }: Pick<AccessTokenClaims, 'iat' | 'nbf' | 'exp'>, now: Date): void {
  const seconds = now.getTime() / 1000
  if (seconds >= exp + leewaySeconds) throw problem(401, 'token_expired', 'The token has expired. Refresh it.')
  if (Math.max(iat, nbf) > seconds + leewaySeconds) {
    throw problem(401, 'token_invalid', 'The token is of the future. Compare the clocks of the servers.')
  }
}

/** The algorithm is the key's, never the token's. */
async function signedClaims(token: string, key: LoadedKey): Promise<unknown> {
  try {
    const { payload } = await compactVerify(token, key.verifying, { algorithms: [key.alg] })
    return JSON.parse(new TextDecoder().decode(payload))
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) throw invalid(error)
    throw error
  }
}

/** base64 in the one spelling of its bytes: the last character of another one has bits that nobody reads. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

function invalid(cause?: unknown) {
  return problem(401, 'token_invalid', 'The token is not one of this server, or was changed.', { cause })
}
