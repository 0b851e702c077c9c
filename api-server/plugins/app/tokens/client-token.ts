import type { ClaimsInToken } from '@authservice-operator/contract/custom-claims.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { type AccessTokenClaims, Confirmation, invalidToken, requireClaims } from './access-token.ts'

const NumericDate = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Name = Type.String({ minLength: 1 })

/**
 * The claims of an access token that a client has got for itself, without a user. RFC 6749 section 4.4, RFC 9068. It has
 * no session and no role, so that nothing takes it for the token of a user. Custom claims of the client are members that
 * this schema does not list.
 */
const ClientTokenClaims = Type.Object({
  iss: Name,
  /** The API that it is for. RFC 8707. Never this server. */
  aud: Name,
  /** The client. RFC 9068 section 5. */
  sub: Name,
  client_id: Name,
  /** Separated by spaces; empty: none. */
  scope: Type.String(),
  jti: Name,
  iat: NumericDate,
  /** Earlier than `iat`, because many verifiers allow no clock skew here. */
  nbf: NumericDate,
  exp: NumericDate,
  /** The key of the client that the token is bound to. RFC 9449 section 6.1. */
  cnf: Type.Optional(Confirmation),
})
export type ClientTokenClaims = Static<typeof ClientTokenClaims>

/** What a client gets a token for. */
export interface ClientTokenSubject {
  clientId: string
  /** The URI of the API. */
  audience: string
  /** Scopes of that API, separated by spaces. */
  scope: string
  lifetimeSeconds: number
  /** Thumbprint of the key that the token is bound to; undefined: to none. */
  jkt?: string
  /** Custom claims of the client. Default: none. */
  custom?: ClaimsInToken
}

/** The claims of a token that is issued at `now`. @param jti unique among all tokens */
export function newClientClaims(
  issuer: string,
  { clientId, audience, scope, lifetimeSeconds, jkt, custom }: ClientTokenSubject,
  jti: string,
  now: Date,
): ClientTokenClaims {
  const iat = Math.floor(now.getTime() / 1000)
  return {
    // First, so that none of them replaces another claim.
    ...custom,
    iss: issuer,
    aud: audience,
    sub: clientId,
    client_id: clientId,
    scope,
    jti,
    iat,
    nbf: iat - leewaySeconds,
    exp: iat + lifetimeSeconds,
    ...(jkt !== undefined && { cnf: { jkt } }),
  }
}

/** A token of this server for any API: of a user, or of a client itself. */
export type AnyTokenClaims = AccessTokenClaims | ClientTokenClaims

const clientClaimsCheck = Compile(ClientTokenClaims)

/** @throws Problem 401 `token_invalid` */
export function requireAnyClaims(claims: unknown): AnyTokenClaims {
  if (!isOfClient(claims)) return requireClaims(claims)
  if (!clientClaimsCheck.Check(claims) || claims.sub !== claims.client_id) throw invalidToken()
  return claims
}

/** Without the claims of a user, one of which would make it neither kind of token. */
function isOfClient(claims: unknown): boolean {
  const names = typeof claims === 'object' && claims !== null ? Object.keys(claims) : []
  return !['sid', 'role', 'ver'].some((name) => names.includes(name))
}

/** Whether a client has got the token for itself. */
export function isClientToken(claims: AnyTokenClaims): claims is ClientTokenClaims {
  return !('sid' in claims)
}
