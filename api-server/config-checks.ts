import type { EnvironmentValues } from './config-schema.ts'
import { weaknessOf } from './plugins/app/tokens/secret-strength.ts'

const howToMakeOne = 'make one: node -e "console.log(crypto.randomBytes(32).toString(\'base64url\'))"'

/** What the schema cannot see: settings that contradict each other, and what an environment forbids. */
export function checkTogether(
  values: EnvironmentValues,
  seconds: { access: number; idle: number; absolute: number },
): string[] {
  return [
    ...signingKeys(values),
    ...mail(values),
    ...((values.INITIAL_ADMIN_EMAIL === undefined) !== (values.INITIAL_ADMIN_PASSWORD === undefined)
      ? ['INITIAL_ADMIN_EMAIL and INITIAL_ADMIN_PASSWORD (or INITIAL_ADMIN_PASSWORD_FILE) belong together: set both']
      : []),
    ...(values.MONGODB_MIN_POOL_SIZE > values.MONGODB_MAX_POOL_SIZE
      ? [
          `MONGODB_MIN_POOL_SIZE (${values.MONGODB_MIN_POOL_SIZE}) is over MONGODB_MAX_POOL_SIZE (${values.MONGODB_MAX_POOL_SIZE})`,
        ]
      : []),
    ...(seconds.access > seconds.idle
      ? ['ACCESS_TOKEN_LIFETIME is over REFRESH_TOKEN_IDLE_LIFETIME: an access token would outlive its session']
      : []),
    ...(seconds.idle > seconds.absolute ? ['REFRESH_TOKEN_IDLE_LIFETIME is over REFRESH_TOKEN_ABSOLUTE_LIFETIME'] : []),
    ...(values.CORS_CREDENTIALS && hasAnyOrigin(values)
      ? ['CORS_CREDENTIALS is true and CORS_ORIGINS has *: with cookies the origins must be named']
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

/** Whoever sends mails must say from whom, and where their links lead. */
function mail(values: EnvironmentValues): string[] {
  if (values.SMTP_URL === undefined) return []
  const needed = ['MAIL_FROM', 'PASSWORD_RESET_URL', 'EMAIL_VERIFY_URL'] as const
  return [
    ...needed
      .filter((name) => values[name] === undefined)
      .map((name) => `${name} is not set, and SMTP_URL is: mails need it`),
    ...((values.SMTP_USER === undefined) !== (values.SMTP_PASSWORD === undefined)
      ? ['SMTP_USER and SMTP_PASSWORD (or SMTP_PASSWORD_FILE) belong together: set both']
      : []),
  ]
}

function production(values: EnvironmentValues): string[] {
  return [
    ...(hasAnyOrigin(values) ? ['CORS_ORIGINS has *, which production refuses: name the origins'] : []),
    ...(values.JWT_ISSUER.startsWith('https://')
      ? []
      : [`JWT_ISSUER is "${values.JWT_ISSUER}"; production expects an https:// URL`]),
    ...(['PASSWORD_RESET_URL', 'EMAIL_VERIFY_URL'] as const)
      .filter((name) => values[name]?.startsWith('http://'))
      .map((name) => `${name} begins with http://; production expects an https:// URL`),
    ...(isPlainTextToAnotherHost(values.MONGODB_URL) && !values.ALLOW_INSECURE_MONGODB
      ? [
          'MONGODB_URL goes to another host in plain text: add tls=true, or set ALLOW_INSECURE_MONGODB=true to accept that',
        ]
      : []),
  ]
}

function hasAnyOrigin({ CORS_ORIGINS: origins }: EnvironmentValues): boolean {
  return origins.split(',').some((origin) => origin.trim() === '*')
}

/** mongodb+srv:// means TLS unless it says otherwise. */
export function isPlainTextToAnotherHost(url: string): boolean {
  const encrypted =
    /[?&](tls|ssl)=true/.test(url) || (url.startsWith('mongodb+srv://') && !/[?&](tls|ssl)=false/.test(url))
  const hosts = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1] ?? ''
  const isLocal = hosts.split(',').every((host) => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host))
  return !encrypted && !isLocal
}
