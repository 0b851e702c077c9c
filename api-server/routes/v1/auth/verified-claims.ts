import { rolesClaim } from '@authservice-operator/contract/custom-claims.ts'
import type { AccessTokenClaims } from '../../../plugins/app/tokens/access-token.ts'

/** What `verify` says of the application roles and the custom claims of a user. */
interface VerifiedClaims {
  headers: Record<string, string>
  /** Members of the response. */
  body: { roles?: string[]; claims?: Record<string, unknown> }
}

/**
 * Says it for the claims that tokens carry by the configuration. A header is set for every token then, because a proxy
 * may pass on what its client has sent in place of one that is missing.
 *
 * @param carried ACCESS_TOKEN_CLAIMS
 * @returns undefined if they carry none
 */
export function claimsVerifier(
  carried: readonly string[],
): ((claims: AccessTokenClaims) => VerifiedClaims) | undefined {
  if (carried.length === 0) return undefined
  const hasRoles = carried.includes(rolesClaim)
  const names = carried.filter((name) => name !== rolesClaim)
  return (claims) => {
    const { roles = [] } = claims
    const custom = Object.fromEntries(Object.entries(claims).filter(([name]) => names.includes(name)))
    return {
      headers: {
        ...(hasRoles && { 'x-auth-roles': roles.join(' ') }),
        ...(names.length > 0 && { 'x-auth-claims': asciiJson(custom) }),
      },
      body: { ...(hasRoles && { roles }), ...(names.length > 0 && { claims: custom }) },
    }
  }
}

/** JSON with the characters that a header may contain: others are escaped, which every parser of JSON understands. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
