import { errors } from 'oidc-provider'
import { proofWindowSeconds } from '../tokens/possession.ts'

/** Algorithms of assertions. */
export const assertionAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

/**
 * Maximum time until an assertion of a client expires, in seconds. Its `jti` is stored until then, so that without a bound
 * one client could fill the database. RFC 7523 section 3 lets a server refuse an `exp` that is far in the future.
 */
const maxLifetimeSeconds = 3_600
/** Time after `exp` for which the library accepts an assertion, in seconds, and more than that. */
const toleranceSeconds = 60

/**
 * For `assertJwtClientAuthClaimsAndHeader` of the library, after its own checks of signature and claims.
 * @throws InvalidClientAuth for an assertion that expires too late
 */
export function requireNearExpiry({ exp }: Record<string, unknown>, now: Date): void {
  if (typeof exp === 'number' && exp <= now.getTime() / 1_000 + maxLifetimeSeconds) return
  throw new errors.InvalidClientAuth(`exp must be at most ${maxLifetimeSeconds} seconds from now`)
}

/**
 * What the FAPI 2.0 Security Profile demands of an assertion besides: the issuer alone as audience (section 5.3.2.1), and an
 * algorithm that it allows (section 5.4.1). The library's own check of the audience is the one that ours replaces.
 * @throws InvalidClientAuth
 */
export function requireFapi(claims: Record<string, unknown>, header: Record<string, unknown>, issuer: string): void {
  if (claims['aud'] !== issuer) throw new errors.InvalidClientAuth('aud must be the issuer, and not a list')
  if (header['alg'] === 'RS256') throw new errors.InvalidClientAuth('alg must be PS256, ES256 or EdDSA')
}

/**
 * Time until which the `jti` of an assertion or of a DPoP proof is stored, whatever it says itself. A proof can be accepted
 * for longer than the library says, because its `iat` may be in the future.
 * @param exp in seconds since 1970
 */
export function storedUntil(exp: number, now: Date): Date {
  const latest = now.getTime() + (maxLifetimeSeconds + toleranceSeconds) * 1_000
  return new Date(Math.min((exp + proofWindowSeconds) * 1_000, latest))
}
