import type { OidcClient, PublicKeySet } from '@authservice-operator/contract/oidc-client-schema.ts'
import { createLocalJWKSet, decodeJwt, type JWTVerifyResult, errors as jose, jwtVerify } from 'jose'
import { errors } from 'oidc-provider'
import { assertionAlgorithms, requireFapi, requireNearExpiry, storedUntil } from './client-assertions.ts'

interface AcceptedAssertion {
  clientId: string
  jti: string
  /** Time until which no other assertion may have this `jti`. */
  until: Date
}

interface AssertionRules {
  find(clientId: string): OidcClient | undefined
  issuer: string
}

/**
 * Checks the assertion of a client with `private_key_jwt`, except whether it was used before. RFC 7523 section 3. With
 * several keys of one kind, it must name one by `kid`.
 *
 * @returns undefined: it is refused
 */
export async function checkAssertion(
  assertion: string,
  { find, issuer }: AssertionRules,
  now: Date,
): Promise<AcceptedAssertion | undefined> {
  try {
    const clientId = decodeJwt(assertion).iss ?? ''
    const client = find(clientId)
    if (client?.authentication.method !== 'private_key_jwt') return undefined
    const { jwks = { keys: [] } } = client.authentication
    const { payload, protectedHeader } = await verified(assertion, jwks, { clientId, issuer, now })
    requireNearExpiry(payload, now)
    if (client.fapi === true) requireFapi(payload, protectedHeader, issuer)
    const { jti, exp } = payload
    if (typeof jti !== 'string' || jti === '' || exp === undefined) return undefined
    return { clientId, jti, until: storedUntil(exp, now) }
  } catch (error) {
    if (error instanceof jose.JOSEError || error instanceof errors.InvalidClientAuth) return undefined
    throw error
  }
}

function verified(
  assertion: string,
  { keys }: PublicKeySet,
  { clientId, issuer, now }: { clientId: string; issuer: string; now: Date },
): Promise<JWTVerifyResult> {
  return jwtVerify(assertion, createLocalJWKSet({ keys }), {
    algorithms: [...assertionAlgorithms],
    issuer: clientId,
    subject: clientId,
    audience: issuer,
    requiredClaims: ['exp', 'jti'],
    currentDate: now,
  })
}
