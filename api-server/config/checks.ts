import { userClaimNameProblems } from '@authservice-operator/contract/custom-claims.ts'
import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'
import { isEncrypted } from '@authservice-operator/contract/mongodb-url.ts'
import { weaknessOf } from '@authservice-operator/contract/secret-strength.ts'
import { oidcOf, oidcProblems } from './oidc.ts'
import { isNetwork } from './trusted-proxies.ts'
import { secondsOf } from './units.ts'
import { webAuthnProblems } from './webauthn.ts'

const howToMakeOne = 'generate one: node -e "console.log(crypto.randomBytes(32).toString(\'base64url\'))"'

const maxGraceSeconds = 60

/** Checks that the schema cannot express: settings that contradict each other, and restrictions of an environment. */
export function checkTogether(
  values: EnvironmentValues,
  seconds: { access: number; idle: number; absolute: number; grace: number },
): string[] {
  return [
    ...signingKeys(values),
    ...secondFactors(values),
    ...webAuthnProblems(values),
    ...oidcProblems(values),
    ...mail(values),
    ...userClaimNameProblems(values.ACCESS_TOKEN_CLAIMS?.split(',') ?? []).map(
      (text) => `ACCESS_TOKEN_CLAIMS: ${text}`,
    ),
    ...proxies(values),
    ...((values.INITIAL_ADMIN_EMAIL === undefined) !== (values.INITIAL_ADMIN_PASSWORD === undefined)
      ? ['INITIAL_ADMIN_EMAIL and INITIAL_ADMIN_PASSWORD (or INITIAL_ADMIN_PASSWORD_FILE) must be set together']
      : []),
    ...(values.MONGODB_MIN_POOL_SIZE > values.MONGODB_MAX_POOL_SIZE
      ? [
          `MONGODB_MIN_POOL_SIZE (${values.MONGODB_MIN_POOL_SIZE}) exceeds MONGODB_MAX_POOL_SIZE (${values.MONGODB_MAX_POOL_SIZE})`,
        ]
      : []),
    ...(seconds.access > seconds.idle
      ? ['ACCESS_TOKEN_LIFETIME exceeds REFRESH_TOKEN_IDLE_LIFETIME: an access token would outlive its session']
      : []),
    ...(seconds.idle > seconds.absolute ? ['REFRESH_TOKEN_IDLE_LIFETIME exceeds REFRESH_TOKEN_ABSOLUTE_LIFETIME'] : []),
    ...(seconds.grace > maxGraceSeconds
      ? [`REFRESH_TOKEN_GRACE exceeds ${maxGraceSeconds}s: a thief could use a stolen refresh token for that long`]
      : []),
    ...(values.CORS_CREDENTIALS && hasAnyOrigin(values)
      ? ['CORS_CREDENTIALS is true and CORS_ORIGINS contains *: name the origins, which cookies require']
      : []),
    ...(values.ENVIRONMENT === 'production' ? production(values) : []),
  ]
}

function signingKeys({ JWT_KEYS_FILE: file, JWT_SECRET: secret }: EnvironmentValues): string[] {
  if (file !== undefined) return []
  if (secret === undefined) return [`JWT_KEYS_FILE or JWT_SECRET must be set; ${howToMakeOne}`]
  const weakness = weaknessOf(Buffer.from(secret))
  return weakness === undefined ? [] : [`JWT_SECRET ${weakness}; ${howToMakeOne}`]
}

/** Maximum time between the password and the second factor of a login. A client that has the token knows the password. */
const maxMfaTokenSeconds = 900

/** Maximum time for which a policy applies to some users and not to others. */
const maxMfaGraceSeconds = 90 * 86_400

/** Maximum time for which a device may log in without a second factor. */
const maxRememberDeviceSeconds = 30 * 86_400

function secondFactors(values: EnvironmentValues): string[] {
  const {
    MFA_MODE: mode,
    MFA_KEYS_FILE: file,
    MFA_SECRET: secret,
    MFA_REQUIRED_ROLES: roles,
    MFA_GRACE_PERIOD: grace,
  } = values
  const weakness = secret === undefined ? undefined : weaknessOf(Buffer.from(secret))
  return [
    ...(mode !== 'off' && file === undefined && secret === undefined
      ? [`MFA_MODE is "${mode}", which requires MFA_KEYS_FILE or MFA_SECRET; ${howToMakeOne}`]
      : []),
    ...(weakness === undefined ? [] : [`MFA_SECRET ${weakness}; ${howToMakeOne}`]),
    ...(secondsOf(values.MFA_TOKEN_LIFETIME) > maxMfaTokenSeconds ? ['MFA_TOKEN_LIFETIME exceeds 15m'] : []),
    ...(mode !== 'off' && !values.MFA_TOTP && values.WEBAUTHN_RP_ID === undefined
      ? [
          `MFA_MODE is "${mode}", MFA_TOTP is false and WEBAUTHN_RP_ID is not set, so users could add no second factor: recovery codes alone are none. Set WEBAUTHN_RP_ID, or MFA_TOTP=true`,
        ]
      : []),
    ...(roles !== undefined && mode !== 'optional'
      ? [`MFA_REQUIRED_ROLES is set, and MFA_MODE is "${mode}": set MFA_MODE=optional, or remove MFA_REQUIRED_ROLES`]
      : []),
    ...(grace !== undefined && mode !== 'required' && roles === undefined
      ? ['MFA_GRACE_PERIOD is set, but no second factor is required: set MFA_MODE=required or MFA_REQUIRED_ROLES']
      : []),
    ...(grace !== undefined && secondsOf(grace) > maxMfaGraceSeconds ? ['MFA_GRACE_PERIOD exceeds 90d'] : []),
    ...(secondsOf(values.MFA_REMEMBER_DEVICE ?? '1s') > maxRememberDeviceSeconds
      ? ['MFA_REMEMBER_DEVICE exceeds 30d']
      : []),
  ]
}

function proxies({ TRUST_PROXY_HOPS: hops, TRUSTED_PROXIES: networks, ...values }: EnvironmentValues): string[] {
  const wrong = (networks?.split(',') ?? []).map((network) => network.trim()).filter((network) => !isNetwork(network))
  return [
    ...wrong.map(
      (network) => `TRUSTED_PROXIES contains "${network}", which is not a network: write it like 10.0.0.0/24`,
    ),
    ...(hops === 0 && (networks ?? values.TRUSTED_PROXY_SECRET) !== undefined
      ? [
          'TRUST_PROXY_HOPS is 0, so no proxy is trusted: set it to the number of proxies, or remove TRUSTED_PROXIES and TRUSTED_PROXY_SECRET',
        ]
      : []),
  ]
}

/** A server that sends mails needs a sender, and the URLs of its links unless the OpenID provider has pages for them. */
function mail(values: EnvironmentValues): string[] {
  if (values.SMTP_URL === undefined) return []
  const links = oidcOf(values) === undefined ? (['PASSWORD_RESET_URL', 'EMAIL_VERIFY_URL'] as const) : []
  const needed = ['MAIL_FROM', ...links] as const
  return [
    ...needed.filter((name) => values[name] === undefined).map((name) => `${name} is not set: SMTP_URL requires it`),
    ...((values.SMTP_USER === undefined) !== (values.SMTP_PASSWORD === undefined)
      ? ['SMTP_USER and SMTP_PASSWORD (or SMTP_PASSWORD_FILE) must be set together']
      : []),
  ]
}

function production(values: EnvironmentValues): string[] {
  return [
    ...(hasAnyOrigin(values) ? ['CORS_ORIGINS contains *, which production refuses: name the origins'] : []),
    ...(values.JWT_ISSUER.startsWith('https://')
      ? []
      : [`JWT_ISSUER is "${values.JWT_ISSUER}"; production requires an https:// URL`]),
    ...(['PASSWORD_RESET_URL', 'EMAIL_VERIFY_URL'] as const)
      .filter((name) => values[name]?.startsWith('http://'))
      .map((name) => `${name} begins with http://; production requires an https:// URL`),
    ...(isPlainTextToAnotherHost(values.MONGODB_URL) && !values.ALLOW_INSECURE_MONGODB
      ? [
          'MONGODB_URL is an unencrypted connection to another host: add tls=true, or set ALLOW_INSECURE_MONGODB=true to allow it',
        ]
      : []),
    ...(values.REDIS_TLS || values.ALLOW_INSECURE_REDIS || isThisMachine(values.REDIS_HOST)
      ? []
      : [
          'REDIS_HOST is another host, and the connection is not encrypted: set REDIS_TLS=true, or ALLOW_INSECURE_REDIS=true to allow it',
        ]),
  ]
}

function hasAnyOrigin({ CORS_ORIGINS: origins }: EnvironmentValues): boolean {
  return origins.split(',').some((origin) => origin.trim() === '*')
}

function isThisMachine(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host)
}

function isPlainTextToAnotherHost(url: string): boolean {
  const hosts = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1] ?? ''
  const isLocal = hosts.split(',').every((host) => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host))
  return !isEncrypted(url) && !isLocal
}
