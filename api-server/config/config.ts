import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'
import type { Environment } from '@authservice-operator/contract/read-variables.ts'
import { checkTogether } from './checks.ts'
import { type MfaConfig, mfaOf } from './mfa.ts'
import { type OAuthClient, parseClients } from './oauth-clients.ts'
import { type OidcConfig, oidcOf } from './oidc.ts'
import { ConfigError, readEnvironment } from './read-environment.ts'
import type { TrustedProxies } from './trusted-proxies.ts'
import { type Limits, limitsOf, secondsOf } from './units.ts'
import { type WebAuthnConfig, webAuthnOf } from './webauthn.ts'

export type { Rate } from './units.ts'

/** The configuration of the server, parsed and checked. Lifetimes are in seconds. */
export interface Config {
  environment: 'development' | 'staging' | 'production'
  /** undefined: all addresses of the machine. */
  host: string | undefined
  port: number
  metricsPort: number
  logLevel: EnvironmentValues['LOG_LEVEL']
  logRequests: NonNullable<EnvironmentValues['LOG_REQUESTS']>
  mongodb: {
    url: string
    database: string
    usersCollection: string
    minPoolSize: number
    maxPoolSize: number
    readPreference: EnvironmentValues['MONGODB_READ_PREFERENCE']
    caFile?: string
    /** Whether unencrypted connections to another host are allowed. */
    allowInsecure: boolean
  }
  redis: { host: string; port: number; keyPrefix: string; password?: string; tls: boolean; caFile?: string }
  /** Source of the signing keys. */
  signingKeys: { file: string } | { secret: string }
  /** Keys that verify tokens but do not sign. */
  acceptedKeysFile?: string
  /** Where traces are sent; undefined: no traces. The exporter reads the variable itself. */
  otlpEndpoint: string | undefined
  serviceName: string
  /** Share of requests that are traced. */
  traceRatio: number
  /** Key material for hashing emails in logs; undefined: a key that the servers share in the database. */
  emailHashSecret: string | undefined
  /** Second factors. */
  mfa: MfaConfig
  /** Passkeys; undefined: there are none. */
  webAuthn: WebAuthnConfig | undefined
  /** Clients that may introspect and revoke tokens. */
  oauthClients: OAuthClient[]
  /** The OpenID provider; undefined: there is none. */
  oidc: OidcConfig | undefined
  /** The file with other providers at which users may log in; undefined: there are none. */
  identityProvidersFile: string | undefined
  issuer: string
  audience: string
  accessTokenLifetimeSeconds: number
  /** Claims of users that tokens for the API of this server carry: custom ones, and `roles`. */
  accessTokenClaims: readonly string[]
  refreshTokenIdleLifetimeSeconds: number
  refreshTokenAbsoluteLifetimeSeconds: number
  refreshTokenGraceSeconds: number
  bcryptCost: number
  passwordMinLength: number
  /** A new password that consists mostly of these words is refused. */
  passwordWords: readonly string[]
  registrationDisclosure: 'open' | 'hidden'
  mail: {
    smtp?: {
      url: string
      /** undefined: the URL contains user and password, or no authentication is needed. */
      auth?: { user: string; pass: string }
      caFile?: string
    }
    from?: string
    /** With `{token}` in it. */
    resetUrl: string
    verifyUrl: string
    resetLifetimeSeconds: number
    verifyLifetimeSeconds: number
  }
  /** Created once, if there is no administrator yet. */
  initialAdmin?: { email: string; password: string }
  securityEventsRetentionSeconds: number
  requestTimeoutSeconds: number
  corsOrigins: string[]
  corsCredentials: boolean
  /** Refresh tokens are sent in cookies. */
  cookieMode: boolean
  cookieSameSite: EnvironmentValues['COOKIE_SAME_SITE']
  limits: Limits
  knownDeviceLifetimeSeconds: number
  /** Proxies whose X-Forwarded-For is trusted. */
  trustedProxies: TrustedProxies
  revocationMaxStalenessSeconds: number
  /** What happens to tokens if the revocation list is older than that. */
  revocationWhenStale: 'refuse' | 'accept'
  migrateOnStart: boolean
  docsEnabled: boolean
  replicas: number
  shutdownDrainSeconds: number
}

/**
 * Reads and checks the environment.
 * @throws ConfigError that names every missing or invalid variable and what was expected
 */
export function readConfig(environment: Environment): Config {
  const { values, unreadableFiles } = readEnvironment(environment)
  const config = configOf(values)
  const problems = [
    ...unreadableFiles,
    ...checkTogether(values, {
      access: config.accessTokenLifetimeSeconds,
      idle: config.refreshTokenIdleLifetimeSeconds,
      absolute: config.refreshTokenAbsoluteLifetimeSeconds,
      grace: config.refreshTokenGraceSeconds,
    }),
  ]
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return config
}

function smtpOf(url: string, { SMTP_USER: user, SMTP_PASSWORD: pass, SMTP_CA_FILE: caFile }: EnvironmentValues) {
  return {
    url,
    ...(user !== undefined && pass !== undefined && { auth: { user, pass } }),
    ...(caFile !== undefined && { caFile }),
  }
}

function configOf(values: EnvironmentValues): Config {
  return {
    environment: values.ENVIRONMENT,
    host: values.HOST,
    port: values.PORT,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
    logRequests: values.LOG_REQUESTS ?? (values.ENVIRONMENT === 'production' ? 'failed' : 'all'),
    mongodb: {
      url: values.MONGODB_URL,
      database: values.DATABASE_NAME,
      usersCollection: values.COLLECTION_NAME,
      minPoolSize: values.MONGODB_MIN_POOL_SIZE,
      maxPoolSize: values.MONGODB_MAX_POOL_SIZE,
      readPreference: values.MONGODB_READ_PREFERENCE,
      ...(values.MONGODB_CA_FILE !== undefined && { caFile: values.MONGODB_CA_FILE }),
      allowInsecure: values.ALLOW_INSECURE_MONGODB,
    },
    redis: {
      // An IPv6 address can be in brackets, as in a URL.
      host: values.REDIS_HOST.replace(/^\[(.+)\]$/, '$1'),
      port: values.REDIS_PORT,
      keyPrefix: values.REDIS_KEY_PREFIX ?? `${values.DATABASE_NAME}:`,
      tls: values.REDIS_TLS,
      ...(values.REDIS_PASSWORD !== undefined && { password: values.REDIS_PASSWORD }),
      ...(values.REDIS_CA_FILE !== undefined && { caFile: values.REDIS_CA_FILE }),
    },
    signingKeys:
      values.JWT_KEYS_FILE !== undefined ? { file: values.JWT_KEYS_FILE } : { secret: values.JWT_SECRET ?? '' },
    ...(values.JWT_ACCEPTED_KEYS_FILE !== undefined && { acceptedKeysFile: values.JWT_ACCEPTED_KEYS_FILE }),
    emailHashSecret: values.EMAIL_HASH_SECRET ?? (values.JWT_KEYS_FILE === undefined ? values.JWT_SECRET : undefined),
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: values.OTEL_SERVICE_NAME,
    traceRatio: values.OTEL_TRACES_SAMPLER_ARG,
    mfa: mfaOf(values),
    webAuthn: webAuthnOf(values),
    oauthClients: values.OAUTH_CLIENTS === undefined ? [] : parseClients(values.OAUTH_CLIENTS),
    oidc: oidcOf(values),
    identityProvidersFile: values.IDENTITY_PROVIDERS_FILE,
    issuer: values.JWT_ISSUER,
    audience: values.JWT_AUDIENCE,
    accessTokenLifetimeSeconds:
      values.ACCESS_TOKEN_LIFETIME === undefined
        ? values.JWT_EXPIRES_IN_HOURS * 3600
        : secondsOf(values.ACCESS_TOKEN_LIFETIME),
    accessTokenClaims: values.ACCESS_TOKEN_CLAIMS?.split(',') ?? [],
    refreshTokenIdleLifetimeSeconds: secondsOf(values.REFRESH_TOKEN_IDLE_LIFETIME),
    refreshTokenAbsoluteLifetimeSeconds: secondsOf(values.REFRESH_TOKEN_ABSOLUTE_LIFETIME),
    refreshTokenGraceSeconds: secondsOf(values.REFRESH_TOKEN_GRACE),
    bcryptCost: values.BCRYPT_COST,
    passwordMinLength: values.PASSWORD_MIN_LENGTH,
    passwordWords: values.PASSWORD_WORDS?.split(',').map((word) => word.trim()) ?? [],
    registrationDisclosure: values.REGISTRATION_DISCLOSURE,
    corsCredentials: values.CORS_CREDENTIALS,
    cookieMode: values.COOKIE_MODE,
    cookieSameSite: values.COOKIE_SAME_SITE,
    mail: {
      ...(values.SMTP_URL !== undefined && { smtp: smtpOf(values.SMTP_URL, values) }),
      ...(values.MAIL_FROM !== undefined && { from: values.MAIL_FROM }),
      resetUrl: values.PASSWORD_RESET_URL ?? linkTemplate(values, 'reset-password'),
      verifyUrl: values.EMAIL_VERIFY_URL ?? linkTemplate(values, 'verify-email'),
      resetLifetimeSeconds: secondsOf(values.PASSWORD_RESET_LIFETIME),
      verifyLifetimeSeconds: secondsOf(values.EMAIL_VERIFY_LIFETIME),
    },
    ...(values.INITIAL_ADMIN_EMAIL !== undefined &&
      values.INITIAL_ADMIN_PASSWORD !== undefined && {
        initialAdmin: { email: values.INITIAL_ADMIN_EMAIL, password: values.INITIAL_ADMIN_PASSWORD },
      }),
    securityEventsRetentionSeconds: secondsOf(values.SECURITY_EVENTS_RETENTION),
    requestTimeoutSeconds: secondsOf(values.REQUEST_TIMEOUT),
    corsOrigins: listOf(values.CORS_ORIGINS),
    limits: limitsOf(values),
    knownDeviceLifetimeSeconds: secondsOf(values.KNOWN_DEVICE_LIFETIME),
    trustedProxies: {
      hops: values.TRUST_PROXY_HOPS,
      networks: values.TRUSTED_PROXIES === undefined ? [] : listOf(values.TRUSTED_PROXIES),
      ...(values.TRUSTED_PROXY_SECRET !== undefined && { secret: values.TRUSTED_PROXY_SECRET }),
    },
    revocationMaxStalenessSeconds: secondsOf(values.REVOCATION_MAX_STALENESS),
    revocationWhenStale: values.REVOCATION_WHEN_STALE,
    migrateOnStart: values.MIGRATE_ON_START,
    docsEnabled: values.DOCS_ENABLED ?? values.ENVIRONMENT !== 'production',
    replicas: values.REPLICAS,
    shutdownDrainSeconds: values.SHUTDOWN_DRAIN_SECONDS,
  }
}

/**
 * The page of a link where the application has none: one of the OpenID provider, which works without JavaScript and therefore
 * needs the token in the query. Without the provider, in development, the token can be read from the link in the log.
 */
function linkTemplate(values: EnvironmentValues, page: 'reset-password' | 'verify-email'): string {
  const { JWT_ISSUER: issuer } = values
  return oidcOf(values) === undefined ? `${issuer}/${page}#token={token}` : `${issuer}/account/${page}?token={token}`
}

function listOf(commaSeparated: string): string[] {
  return commaSeparated
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
