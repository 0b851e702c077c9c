import { readFileSync } from 'node:fs'
import Value from 'typebox/value'
import { checkTogether } from './config-checks.ts'
import { EnvironmentSchema, type EnvironmentValues, secretVariables } from './config-schema.ts'
import { type Limits, limitsOf, secondsOf } from './config-units.ts'
import { type OAuthClient, parseClients } from './plugins/app/oauth-clients/oauth-client.ts'

export { EnvironmentSchema } from './config-schema.ts'
export type { Limits, Rate } from './config-units.ts'
export { rateOf, secondsOf } from './config-units.ts'

type SecretVariable = (typeof secretVariables)[number]

/** The environment of the server, as a Deployment writes it: every value is text. */
export type ServerEnvironment = { [Name in keyof EnvironmentValues | `${SecretVariable}_FILE`]?: string }

/** The settings of the server, parsed and checked. Lifetimes are in seconds. */
export interface Config {
  environment: 'development' | 'staging' | 'production'
  host: string
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
    /** Plain text to another host, allowed on purpose. */
    allowInsecure: boolean
  }
  redis: { host: string; port: number; keyPrefix: string; password?: string; tls: boolean; caFile?: string }
  /** Where signing keys come from. */
  signingKeys: { file: string } | { secret: string }
  /** Whereto traces go; undefined: there are none. The exporter reads the variable itself. */
  otlpEndpoint: string | undefined
  serviceName: string
  /** Part of the requests that are traced. */
  traceRatio: number
  /** Emails in logs are hashed with a key made of it; undefined: with one that the servers share in the database. */
  emailHashSecret: string | undefined
  /** Programs that may introspect and revoke tokens. */
  oauthClients: OAuthClient[]
  issuer: string
  audience: string
  accessTokenLifetimeSeconds: number
  refreshTokenIdleLifetimeSeconds: number
  refreshTokenAbsoluteLifetimeSeconds: number
  bcryptCost: number
  passwordMinLength: number
  /** A new password with little beside them is refused. */
  passwordWords: readonly string[]
  registrationDisclosure: 'open' | 'hidden'
  mail: {
    smtp?: {
      url: string
      /** undefined: the URL has user and password, or none are needed. */
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
  /** Made once, when there is none yet. */
  initialAdmin?: { email: string; password: string }
  securityEventsRetentionSeconds: number
  requestTimeoutSeconds: number
  corsOrigins: string[]
  corsCredentials: boolean
  /** Refresh tokens travel in cookies. */
  cookieMode: boolean
  cookieSameSite: EnvironmentValues['COOKIE_SAME_SITE']
  limits: Limits
  knownDeviceLifetimeSeconds: number
  trustProxyHops: number
  revocationMaxStalenessSeconds: number
  /** What becomes of a token when the news is older than that. */
  revocationWhenStale: 'refuse' | 'accept'
  migrateOnStart: boolean
  docsEnabled: boolean
  replicas: number
  shutdownDrainSeconds: number
}

/** The environment cannot be used. The message has one line for each problem, never with a secret in it. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads and checks the environment.
 * @throws ConfigError that names every variable that is missing or wrong, with what was expected
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const known = knownValues(environment, problems)
  const values = Value.Convert(EnvironmentSchema, Value.Default(EnvironmentSchema, known))
  if (!Value.Check(EnvironmentSchema, values)) {
    throw new ConfigError([...problems, ...schemaProblems(known, values)].join('\n'))
  }
  const config = configOf(values)
  problems.push(
    ...checkTogether(values, {
      access: config.accessTokenLifetimeSeconds,
      idle: config.refreshTokenIdleLifetimeSeconds,
      absolute: config.refreshTokenAbsoluteLifetimeSeconds,
    }),
  )
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return config
}

/** The variables that the schema knows and that are set; a secret may be in a file. */
function knownValues(environment: Readonly<Record<string, string | undefined>>, problems: string[]) {
  const known: Record<string, string> = {}
  for (const name of Object.keys(EnvironmentSchema.properties)) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') known[name] = value
  }
  for (const name of secretVariables) {
    const file = environment[`${name}_FILE`]
    if (file === undefined || file === '') continue
    try {
      known[name] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      problems.push(`${name}_FILE: ${file} cannot be read (${error instanceof Error ? error.message : error})`)
    }
  }
  return known
}

function schemaProblems(known: Record<string, string>, values: unknown): string[] {
  const wrong = new Set<string>()
  for (const { instancePath, keyword, params } of Value.Errors(EnvironmentSchema, values)) {
    if (keyword === 'required' && 'requiredProperties' in params) {
      for (const name of params.requiredProperties) wrong.add(String(name))
    } else {
      wrong.add(instancePath.split('/')[1] ?? '')
    }
  }
  const secrets: readonly string[] = secretVariables
  return [...wrong]
    .filter((name) => name !== '')
    .map((name) => {
      const property: { description?: string } | undefined = Reflect.get(EnvironmentSchema.properties, name)
      const given =
        known[name] === undefined ? 'is not set' : secrets.includes(name) ? 'cannot be used' : `is "${known[name]}"`
      return `${name} ${given}; expected the ${property?.description ?? 'documented value'}`
    })
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
      host: values.REDIS_HOST,
      port: values.REDIS_PORT,
      keyPrefix: values.REDIS_KEY_PREFIX ?? `${values.DATABASE_NAME}:`,
      tls: values.REDIS_TLS,
      ...(values.REDIS_PASSWORD !== undefined && { password: values.REDIS_PASSWORD }),
      ...(values.REDIS_CA_FILE !== undefined && { caFile: values.REDIS_CA_FILE }),
    },
    signingKeys:
      values.JWT_KEYS_FILE !== undefined ? { file: values.JWT_KEYS_FILE } : { secret: values.JWT_SECRET ?? '' },
    emailHashSecret: values.EMAIL_HASH_SECRET ?? (values.JWT_KEYS_FILE === undefined ? values.JWT_SECRET : undefined),
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: values.OTEL_SERVICE_NAME,
    traceRatio: values.OTEL_TRACES_SAMPLER_ARG,
    oauthClients: values.OAUTH_CLIENTS === undefined ? [] : parseClients(values.OAUTH_CLIENTS),
    issuer: values.JWT_ISSUER,
    audience: values.JWT_AUDIENCE,
    accessTokenLifetimeSeconds:
      values.ACCESS_TOKEN_LIFETIME === undefined
        ? values.JWT_EXPIRES_IN_HOURS * 3600
        : secondsOf(values.ACCESS_TOKEN_LIFETIME),
    refreshTokenIdleLifetimeSeconds: secondsOf(values.REFRESH_TOKEN_IDLE_LIFETIME),
    refreshTokenAbsoluteLifetimeSeconds: secondsOf(values.REFRESH_TOKEN_ABSOLUTE_LIFETIME),
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
      // In development, where no page exists yet, the token can be read from the link in the log.
      resetUrl: values.PASSWORD_RESET_URL ?? `${values.JWT_ISSUER}/reset-password#token={token}`,
      verifyUrl: values.EMAIL_VERIFY_URL ?? `${values.JWT_ISSUER}/verify-email#token={token}`,
      resetLifetimeSeconds: secondsOf(values.PASSWORD_RESET_LIFETIME),
      verifyLifetimeSeconds: secondsOf(values.EMAIL_VERIFY_LIFETIME),
    },
    ...(values.INITIAL_ADMIN_EMAIL !== undefined &&
      values.INITIAL_ADMIN_PASSWORD !== undefined && {
        initialAdmin: { email: values.INITIAL_ADMIN_EMAIL, password: values.INITIAL_ADMIN_PASSWORD },
      }),
    securityEventsRetentionSeconds: secondsOf(values.SECURITY_EVENTS_RETENTION),
    requestTimeoutSeconds: secondsOf(values.REQUEST_TIMEOUT),
    corsOrigins: values.CORS_ORIGINS.split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
    limits: limitsOf(values),
    knownDeviceLifetimeSeconds: secondsOf(values.KNOWN_DEVICE_LIFETIME),
    trustProxyHops: values.TRUST_PROXY_HOPS,
    revocationMaxStalenessSeconds: secondsOf(values.REVOCATION_MAX_STALENESS),
    revocationWhenStale: values.REVOCATION_WHEN_STALE,
    migrateOnStart: values.MIGRATE_ON_START,
    docsEnabled: values.DOCS_ENABLED ?? values.ENVIRONMENT !== 'production',
    replicas: values.REPLICAS,
    shutdownDrainSeconds: values.SHUTDOWN_DRAIN_SECONDS,
  }
}
