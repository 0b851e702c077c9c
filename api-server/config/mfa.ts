import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'
import { secondsOf } from './units.ts'

/** Second factors of users. Lifetimes are in seconds. */
export interface MfaConfig {
  /** `off`: there are no routes for second factors, and a login needs none, even if the database has some. */
  mode: EnvironmentValues['MFA_MODE']
  /** Source of the keys that encrypt secrets; undefined: only with the mode `off`. */
  keys: { file: string } | { secret: string } | undefined
  /** Shown in authenticator apps. */
  serviceName: string
  tokenLifetimeSeconds: number
  stepUpMaxAgeSeconds: number
}

export function mfaOf(values: EnvironmentValues): MfaConfig {
  return {
    mode: values.MFA_MODE,
    keys: keysOf(values),
    serviceName: values.MFA_SERVICE_NAME ?? hostOf(values.JWT_ISSUER),
    tokenLifetimeSeconds: secondsOf(values.MFA_TOKEN_LIFETIME),
    stepUpMaxAgeSeconds: secondsOf(values.MFA_STEP_UP_MAX_AGE),
  }
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
