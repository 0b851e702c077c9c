import type { ClaimsInToken } from '@authservice-operator/contract/custom-claims.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ReceivedToken } from '../../external/jwt.ts'
import { enrolmentTokenPrefix } from '../opaque-token.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { type Authentication, authenticationClaims } from '../sessions/authentication.ts'
import type { KeyStore, LoadedKey } from './key-store.ts'

const NumericDate = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Name = Type.String({ minLength: 1 })

/** `jkt`: SHA-256 thumbprint of the key, RFC 7638. */
export const Confirmation = Type.Object({ jkt: Name })

/**
 * The claims of an access token. RFC 9068. Times are in seconds since 1970.
 *
 * Tokens of earlier versions have no `client_id`.
 */
const AccessTokenClaims = Type.Object({
  iss: Name,
  aud: Name,
  /** The user: the hex of the `_id` in the document, or the result of `keyOf` for other types. */
  sub: Name,
  /** The session, which a logout ends. */
  sid: Name,
  role: Name,
  /** The user's watermark when the session began. If it is lower than the current one, the token is revoked. */
  ver: NumericDate,
  jti: Name,
  iat: NumericDate,
  /** Earlier than `iat`, because many verifiers allow no clock skew here. */
  nbf: NumericDate,
  exp: NumericDate,
  /** The client of the token: an application of the OpenID provider, or `first-party` after a login at the API. */
  client_id: Type.Optional(Name),
  /** The scopes of a token for a client of the OpenID provider. The API of this server does not accept such a token. */
  scope: Type.Optional(Type.String()),
  /** The key of the client that the token is bound to: requests need a proof of it. RFC 9449 section 6.1. */
  cnf: Type.Optional(Confirmation),
  /** Application roles. Custom claims of the user are members that this schema does not list. */
  roles: Type.Optional(Type.Array(Name)),
  /** How and when the user authenticated. Only from servers with second factors (MFA_MODE). */
  amr: Type.Optional(Type.Array(Name)),
  acr: Type.Optional(Name),
  auth_time: Type.Optional(NumericDate),
})
export type AccessTokenClaims = Static<typeof AccessTokenClaims>

/** The claims that say whose session it is, and how strongly the user has authenticated. */
export type SessionClaims = Pick<AccessTokenClaims, 'sub' | 'sid' | 'ver' | 'amr' | 'acr' | 'auth_time'>

/** Who a token is for, and the session that it belongs to. */
export interface TokenSubject {
  userId: string
  role: string
  session: { _id: string; version: number; expiresAt: Date; authentication?: Authentication }
  /** Roles and custom claims of the user that the token carries. Default: none. */
  custom?: ClaimsInToken
  /** The client of the OpenID provider that gets the token; undefined: a client of the API. */
  client?: {
    id: string
    scope: string
    lifetimeSeconds: number
    /** The API that the token is for; undefined: this one. */
    audience?: string
    /** Thumbprint of the key that the token is bound to; undefined: to none. */
    jkt?: string
  }
}

export interface TokenPolicy {
  issuer: string
  audience: string
  lifetimeSeconds: number
}

/** `client_id` of tokens from a login: required by RFC 9068 section 2.2. No application can have this ID. */
export const firstParty = 'first-party'

/** The rights that a token gives to an application of the OpenID provider. */
export interface GrantedToApplication {
  clientId: string
  /** Separated by spaces; empty: none. */
  scope: string
}

/** @returns undefined for the token of a login at the API, which has all rights of its user */
export function grantedToApplication({ client_id, scope }: AccessTokenClaims): GrantedToApplication | undefined {
  if (scope === undefined && (client_id === undefined || client_id === firstParty)) return undefined
  return { clientId: client_id ?? '', scope: scope ?? '' }
}

/**
 * Tokens of this server have about 600 characters. A header of 8 KiB could contain more, but a longer text is not worth
 * a signature check.
 */
const mostCharacters = 4_096

/**
 * The claims of a token that is issued at `now`. A token never outlives its session.
 *
 * @param jti unique among all tokens
 */
export function newClaims(
  { issuer, audience, lifetimeSeconds }: TokenPolicy,
  { userId, role, session, custom, client }: TokenSubject,
  jti: string,
  now: Date,
): AccessTokenClaims {
  const iat = Math.floor(now.getTime() / 1000)
  const seconds = Math.min(lifetimeSeconds, client?.lifetimeSeconds ?? lifetimeSeconds)
  const exp = Math.min(iat + seconds, Math.floor(session.expiresAt.getTime() / 1000))
  return {
    // First, so that none of them replaces another claim.
    ...custom,
    iss: issuer,
    aud: client?.audience ?? audience,
    sub: userId,
    sid: session._id,
    role,
    ver: session.version,
    jti,
    iat,
    nbf: iat - leewaySeconds,
    exp,
    client_id: client?.id ?? firstParty,
    // Also without scopes: the claim is what tells the token from one of a login.
    ...(client !== undefined && { scope: client.scope }),
    ...(client?.jkt !== undefined && { cnf: { jkt: client.jkt } }),
    ...authenticationClaims(session.authentication),
  }
}

/** A token as a request presents it. */
export interface PresentedAccessToken {
  token: string
  /** Whether it comes with the scheme `DPoP`, which promises a proof. RFC 9449 section 7.1. */
  isDpop: boolean
}

/**
 * The access token of an `Authorization` header. RFC 6750 section 2.1, RFC 9449 section 7.1.
 * @throws Problem 401 `token_missing`, or `token_invalid` for a token that is good only for enrolling a second factor
 */
export function presentedAccessToken(authorization = ''): PresentedAccessToken {
  const [, scheme, token] = /^(Bearer|DPoP) +([^ ]+)$/i.exec(authorization) ?? []
  if (scheme === undefined || token === undefined) throw missingToken()
  if (token.startsWith(enrolmentTokenPrefix)) {
    throw problem(401, 'token_invalid', 'This token is good only for enrolling a second factor. Enrol one first.')
  }
  return { token, isDpop: scheme.toLowerCase() === 'dpop' }
}

export function missingToken(): Problem {
  return problem(401, 'token_missing', 'Send the access token as "Authorization: Bearer …".')
}

/** Any token of an `Authorization` header with the scheme `Bearer`; undefined if there is none. */
export function presentedToken(authorization = ''): string | undefined {
  return /^Bearer +([^ ]+)$/i.exec(authorization)?.[1]
}

/** @throws Problem 401 `token_invalid` for a text that is too short or too long for an access token */
export function requireTokenSize(token: string): string {
  if (token === '' || token.length > mostCharacters) throw invalidToken()
  return token
}

/**
 * The key that must have signed a received token. Runs before the signature is checked and before anything in the token
 * is trusted. Decision 0010.
 *
 * Only this server issues tokens. The header must therefore be, byte by byte, the one that the key writes: every other
 * header (another alg, none, jwk, jku, x5u, crit, a member twice) is refused. The payload and the signature must have
 * the one spelling that this server writes: no claim twice, no white space, no second base64url form of the same bytes.
 *
 * @throws Problem 401 `token_invalid`
 */
export function requireKey(
  keys: KeyStore,
  { header, payload, signature, claims }: ReceivedToken,
  now: Date,
): LoadedKey {
  const key = keys.verifier(header, now)
  const isOwnSpelling = isCanonical(signature) && base64url(JSON.stringify(claims)) === payload
  if (key === undefined || !isOwnSpelling) throw invalidToken()
  return key
}

const claimsCheck = Compile(AccessTokenClaims)

/**
 * The claims of a token with a good signature, issuer and audience. The JWT library accepts a missing claim, a list of
 * audiences and times that are not whole seconds; this server never issues those.
 *
 * @throws Problem 401 `token_invalid`
 */
export function requireClaims(claims: unknown): AccessTokenClaims {
  if (!claimsCheck.Check(claims)) throw invalidToken()
  return claims
}

type Times = Pick<AccessTokenClaims, 'iat' | 'nbf' | 'exp'>

/** @throws Problem 401 `token_expired` or `token_invalid` */
export function requireCurrent(times: Times, now: Date): void {
  if (isExpired(times, now)) throw problem(401, 'token_expired', 'The token has expired. Refresh it.')
  if (isOfFuture(times, now)) {
    throw problem(401, 'token_invalid', 'The token is from the future. Check the clocks of the servers.')
  }
}

export function isCurrent(times: Times, now: Date): boolean {
  return !isExpired(times, now) && !isOfFuture(times, now)
}

function isExpired({ exp }: Times, now: Date): boolean {
  return now.getTime() / 1000 >= exp + leewaySeconds
}

function isOfFuture({ iat, nbf }: Times, now: Date): boolean {
  return Math.max(iat, nbf) > now.getTime() / 1000 + leewaySeconds
}

export function invalidToken(cause?: unknown): Problem {
  return problem(401, 'token_invalid', 'This server did not issue the token, or the token was modified.', { cause })
}

/** base64url in its canonical encoding: in other encodings, the last character has bits that decoders ignore. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
