import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'
import { secondsOf } from './units.ts'

/** A role of users. */
type Role = 'admin' | 'user'

/** Second factors of users. Lifetimes are in seconds. */
export interface MfaConfig {
  /** `off`: there are no routes for second factors, and a login needs none, even if the database has some. */
  mode: EnvironmentValues['MFA_MODE']
  /** Source of the keys that encrypt secrets; undefined: only with the mode `off`. */
  keys: { file: string } | { secret: string } | undefined
  /** The types of factors that users may add. Those that they already have are accepted in any case. Decision 67. */
  allowedTypes: readonly ('totp' | 'passkey')[]
  /** Shown in authenticator apps. */
  serviceName: string
  /** Users with these roles must have a second factor. */
  requiredRoles: ReadonlySet<Role>
  /** Time for which users who existed before that need none yet; 0: they enrol at their next login. */
  gracePeriodSeconds: number
  tokenLifetimeSeconds: number
  stepUpMaxAgeSeconds: number
  /** How long a device may log in with the password alone after a second factor; 0: not at all. Decision 64. */
  rememberDeviceSeconds: number
}

export function mfaOf(values: EnvironmentValues): MfaConfig {
  return {
    mode: values.MFA_MODE,
    keys: keysOf(values),
    allowedTypes: allowedTypesOf(values),
    serviceName: values.MFA_SERVICE_NAME ?? hostOf(values.JWT_ISSUER),
    requiredRoles: requiredRolesOf(values),
    gracePeriodSeconds: values.MFA_GRACE_PERIOD === undefined ? 0 : secondsOf(values.MFA_GRACE_PERIOD),
    tokenLifetimeSeconds: secondsOf(values.MFA_TOKEN_LIFETIME),
    stepUpMaxAgeSeconds: secondsOf(values.MFA_STEP_UP_MAX_AGE),
    rememberDeviceSeconds: values.MFA_REMEMBER_DEVICE === undefined ? 0 : secondsOf(values.MFA_REMEMBER_DEVICE),
  }
}

function requiredRolesOf({ MFA_MODE: mode, MFA_REQUIRED_ROLES: roles }: EnvironmentValues): ReadonlySet<Role> {
  if (mode === 'required') return new Set(['admin', 'user'])
  return new Set((['admin', 'user'] as const).filter((role) => roles?.split(',').includes(role)))
}

function allowedTypesOf({ MFA_TOTP: totp, WEBAUTHN_RP_ID: rpId }: EnvironmentValues): MfaConfig['allowedTypes'] {
  return [...(totp ? (['totp'] as const) : []), ...(rpId === undefined ? [] : (['passkey'] as const))]
}

function keysOf({ MFA_KEYS_FILE: file, MFA_SECRET: secret }: EnvironmentValues): MfaConfig['keys'] {
  if (file !== undefined) return { file }
  return secret === undefined ? undefined : { secret }
}

/** An issuer is any text. A colon would end the name in an otpauth: URI. */
function hostOf(issuer: string): string {
  return URL.canParse(issuer)
    ? new URL(issuer).hostname.replaceAll(/[[\]:]/g, '')
    : issuer.replaceAll(':', ' ').slice(0, 64)
}
