/**
 * How a user authenticated. RFC 8176: a password, a one-time password, a key that does not leave its device, a key that
 * does, a person was present, several factors. `fed`, which is not in the RFC: a login at another provider.
 */
export type AuthenticationMethod = 'pwd' | 'otp' | 'hwk' | 'swk' | 'user' | 'mfa' | 'fed'

/** The last authentication of a session. */
export interface Authentication {
  at: Date
  methods: readonly AuthenticationMethod[]
}

/** Strength of an authentication, after the levels of NIST SP 800-63B: one factor, or two. */
export const authenticationLevels = ['aal1', 'aal2'] as const
type AuthenticationLevel = (typeof authenticationLevels)[number]

/** The claims of an access token that describe the authentication. RFC 9068 section 2.2.1, RFC 9470 section 6. */
export interface AuthenticationClaims {
  amr?: string[]
  acr?: string
  /** Seconds since 1970. */
  auth_time?: number
}

export const byPassword: readonly AuthenticationMethod[] = ['pwd']
/** A login at another provider, whose second factor does not count. */
export const byProvider: readonly AuthenticationMethod[] = ['fed']
/** The same, with a second factor at the provider that the settings trust. */
export const byProviderWithTwoFactors: readonly AuthenticationMethod[] = ['fed', 'mfa']
export const byTwoFactors: readonly AuthenticationMethod[] = ['pwd', 'otp', 'mfa']

export function authenticationClaims(authentication: Authentication | undefined): AuthenticationClaims {
  if (authentication === undefined) return {}
  const { at, methods } = authentication
  return {
    amr: [...methods],
    acr: methods.includes('mfa') ? 'aal2' : 'aal1',
    auth_time: Math.floor(at.getTime() / 1000),
  }
}

/** What a resource requires of the last authentication. RFC 9470 section 4. */
export interface AuthenticationRequirement {
  level?: AuthenticationLevel
  maxAgeSeconds?: number
}

/** Whether the claims of a token satisfy the requirement. A token without these claims satisfies none. */
export function satisfies(
  { acr, auth_time: authTime }: AuthenticationClaims,
  { level, maxAgeSeconds }: AuthenticationRequirement,
  now: Date,
): boolean {
  if (level !== undefined && !(acr === 'aal2' || acr === level)) return false
  if (maxAgeSeconds === undefined) return true
  return authTime !== undefined && now.getTime() / 1000 - authTime <= maxAgeSeconds
}
