import { errors } from 'oidc-provider'
import { proofWindowSeconds } from '../tokens/possession.ts'

/**
 * Maximum time until an assertion of a client expires, in seconds. Its `jti` is stored until then, so that without a bound
 * one client could fill the database. RFC 7523 section 3 lets a server refuse an `exp` that is far in the future.
 */
const maxLifetimeSeconds = 3_600
/** Time after `exp` for which the library accepts an assertion, in seconds, and more than that. */
const toleranceSeconds = 60

/**
 * For `assertJwtClientAuthClaimsAndHeader` of the library, after its own checks of signature and claims. The check that it
 * replaces is one of FAPI 2.0, which this server does not offer.
 * @throws InvalidClientAuth for an assertion that expires too late
 */
export function requireNearExpiry({ exp }: Record<string, unknown>, now: Date): void {
  if (typeof exp === 'number' && exp <= now.getTime() / 1_000 + maxLifetimeSeconds) return
  throw new errors.InvalidClientAuth(`exp must be at most ${maxLifetimeSeconds} seconds from now`)
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
