import type { ServerEnvironment } from '@authservice-operator/api-server/config.ts'
import { presetOf } from '../api/presets.ts'
import type { ResolvedMail, ResolvedSpec } from '../api/resolved-spec.ts'
import { formatDuration, formatRate } from '../api/units.ts'
import { serverDrainSeconds } from './drain.ts'
import { redisName, redisPort } from './redis.ts'
import type { TemplateInput } from './render-input.ts'
import { databaseMounts, initialAdminMount, keysMount, pathOf, settingMounts } from './secret-mounts.ts'

export const serverPorts = { api: 8080, observability: 9090 } as const

/** The environment of the server; its migrations have a part of it. The type is the server's own: a renamed variable fails to compile. */
export function serverEnvironment(input: TemplateInput): ServerEnvironment {
  const { resolved } = input
  const { tokens, passwords, mongodb, traits, ingress } = resolved
  const mounts = { keys: keysMount(input), ...databaseMounts(input), ...settingMounts(input) }
  const bringsOwnSecret = tokens.signingKeys.kind === 'provided' && tokens.algorithm === 'HS256'
  return {
    ENVIRONMENT: resolved.environment,
    PORT: String(serverPorts.api),
    METRICS_PORT: String(serverPorts.observability),
    LOG_LEVEL: inLowerCase(resolved.logs.level),
    LOG_REQUESTS: inLowerCase(resolved.logs.requests),
    MONGODB_URL_FILE: pathOf(mounts.mongodb),
    DATABASE_NAME: mongodb.database,
    COLLECTION_NAME: mongodb.usersCollection,
    MONGODB_MIN_POOL_SIZE: String(mongodb.pool.minSize),
    MONGODB_MAX_POOL_SIZE: String(mongodb.pool.maxSize),
    MONGODB_READ_PREFERENCE: mongodb.readPreference,
    ...(mounts.mongodbCa && { MONGODB_CA_FILE: pathOf(mounts.mongodbCa) }),
    // A managed MongoDB is in the same namespace, and speaks plain text there.
    ...(mongodb.source.kind === 'managed' && { ALLOW_INSECURE_MONGODB: 'true' }),
    ...redisEnvironment(input),
    ...(bringsOwnSecret ? { JWT_SECRET_FILE: pathOf(mounts.keys) } : { JWT_KEYS_FILE: pathOf(mounts.keys) }),
    JWT_ISSUER: tokens.issuer,
    JWT_AUDIENCE: tokens.audience,
    ACCESS_TOKEN_LIFETIME: formatDuration(tokens.accessTokenLifetimeSeconds),
    REFRESH_TOKEN_IDLE_LIFETIME: formatDuration(tokens.refreshTokenIdleLifetimeSeconds),
    REFRESH_TOKEN_ABSOLUTE_LIFETIME: formatDuration(tokens.refreshTokenAbsoluteLifetimeSeconds),
    BCRYPT_COST: String(passwords.bcryptCost),
    PASSWORD_MIN_LENGTH: String(passwords.minLength),
    ...(passwords.words.length > 0 && { PASSWORD_WORDS: passwords.words.join(',') }),
    EMAIL_HASH_SECRET_FILE: pathOf(mounts.emailHash),
    ...mailEnvironment(input),
    ...(mounts.oauthClients && { OAUTH_CLIENTS_FILE: pathOf(mounts.oauthClients) }),
    CORS_ORIGINS: resolved.cors.origins.join(','),
    ...initialAdminEnvironment(input),
    ...cookieEnvironment(resolved),
    ...tracingEnvironment(resolved),
    ...limitEnvironment(resolved),
    TRUST_PROXY_HOPS: String(ingress.trustedProxyHops),
    REVOCATION_MAX_STALENESS: formatDuration(tokens.revocation.maxStalenessSeconds),
    REVOCATION_WHEN_STALE: inLowerCase(tokens.revocation.whenStale),
    REGISTRATION_DISCLOSURE: inLowerCase(resolved.registration.disclosure),
    SECURITY_EVENTS_RETENTION: formatDuration(resolved.securityEvents.retentionSeconds),
    DOCS_ENABLED: String(traits.docs),
    // Only until Redis has counted the servers: a count that followed the autoscaler would restart what it scales.
    REPLICAS: String(presetOf(resolved.environment).autoscaling.minReplicas),
    SHUTDOWN_DRAIN_SECONDS: String(serverDrainSeconds),
  }
}

function redisEnvironment(input: TemplateInput): ServerEnvironment {
  const { redis } = input.resolved
  const { redis: password, redisCa } = databaseMounts(input)
  const passwordFile = password && { REDIS_PASSWORD_FILE: pathOf(password) }
  if (redis.kind === 'managed') {
    const host = `${redisName(input)}.${input.owner.namespace}.svc`
    return { REDIS_HOST: host, REDIS_PORT: String(redisPort), ...passwordFile }
  }
  return {
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    // It may be shared with other deployments: none of them counts or reads what is another's.
    REDIS_KEY_PREFIX: `${input.owner.namespace}/${input.owner.name}:`,
    REDIS_TLS: String(redis.tls.enabled),
    ...passwordFile,
    ...(redisCa && { REDIS_CA_FILE: pathOf(redisCa) }),
  }
}

function limitEnvironment({ rateLimits, lockout }: ResolvedSpec): ServerEnvironment {
  const { loginPerAccount: account, loginPerPair: pair, loginPerKnownDevice: device } = rateLimits
  return {
    RATE_LIMIT_PER_CLIENT: formatRate(rateLimits.perClient),
    RATE_LIMIT_BURST: String(rateLimits.burst),
    RATE_LIMIT_LOGIN: formatRate(rateLimits.login),
    ...(account && { RATE_LIMIT_LOGIN_ACCOUNT: formatRate(account) }),
    ...(pair && { RATE_LIMIT_LOGIN_PAIR: formatRate(pair) }),
    ...(device && { RATE_LIMIT_LOGIN_KNOWN_DEVICE: formatRate(device) }),
    RATE_LIMIT_REGISTER: formatRate(rateLimits.register),
    RATE_LIMIT_REFRESH: formatRate(rateLimits.refresh),
    RATE_LIMIT_RESET: formatRate(rateLimits.reset),
    RATE_LIMIT_MAIL: formatRate(rateLimits.mail),
    RATE_LIMIT_EMAIL_VERIFY: formatRate(rateLimits.emailVerification),
    RATE_LIMIT_SENSITIVE: formatRate(rateLimits.sensitive),
    RATE_LIMIT_PROFILE: formatRate(rateLimits.profile),
    RATE_LIMIT_ADMIN: formatRate(rateLimits.admin),
    LOGIN_LOCK_AT_FAILURE: String(lockout.failures),
    LOGIN_LOCK_FIRST: formatDuration(lockout.firstLockSeconds),
    LOGIN_LOCK_LONGEST: formatDuration(lockout.longestLockSeconds),
    LOGIN_FAILURE_MEMORY: formatDuration(lockout.forgetAfterSeconds),
    KNOWN_DEVICE_LIFETIME: formatDuration(lockout.knownDeviceLifetimeSeconds),
  }
}

function mailEnvironment(input: TemplateInput): ServerEnvironment {
  const { mail } = input.resolved
  if (mail === undefined) return {}
  const { smtpUser, smtpPassword, smtpCa } = settingMounts(input)
  return {
    SMTP_URL: smtpUrl(mail.smtp),
    ...(smtpUser && { SMTP_USER_FILE: pathOf(smtpUser) }),
    ...(smtpPassword && { SMTP_PASSWORD_FILE: pathOf(smtpPassword) }),
    ...(smtpCa && { SMTP_CA_FILE: pathOf(smtpCa) }),
    MAIL_FROM: mail.from,
    PASSWORD_RESET_URL: mail.passwordResetURL,
    EMAIL_VERIFY_URL: mail.emailVerificationURL,
    PASSWORD_RESET_LIFETIME: formatDuration(mail.passwordResetLifetimeSeconds),
    EMAIL_VERIFY_LIFETIME: formatDuration(mail.emailVerificationLifetimeSeconds),
  }
}

function initialAdminEnvironment(input: TemplateInput): ServerEnvironment {
  const { initialAdmin } = input.resolved
  const password = initialAdminMount(input)
  if (initialAdmin === undefined || password === undefined) return {}
  return { INITIAL_ADMIN_EMAIL: initialAdmin.email, INITIAL_ADMIN_PASSWORD_FILE: pathOf(password) }
}

function cookieEnvironment({ cookies, cors }: ResolvedSpec): ServerEnvironment {
  if (!cookies.enabled) return {}
  return {
    COOKIE_MODE: 'true',
    COOKIE_SAME_SITE: inLowerCase(cookies.sameSite),
    // With cookies no origin may be left unnamed: then only pages of the server's own origin have them.
    CORS_CREDENTIALS: String(cors.origins.length > 0 && !cors.origins.includes('*')),
  }
}

/** The library reads them, beside the server. */
function tracingEnvironment({ tracing }: ResolvedSpec): ServerEnvironment {
  if (tracing === undefined) return {}
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing.otlpEndpoint,
    OTEL_SERVICE_NAME: tracing.serviceName,
    OTEL_TRACES_SAMPLER_ARG: String(tracing.samplePercent / 100),
  }
}

/** Without the user: what is secret stays out of the environment. */
function smtpUrl({ host, port, encryption }: ResolvedMail['smtp']): string {
  switch (encryption) {
    case 'StartTLS':
      return `smtp://${host}:${port}?requireTLS=true`
    case 'TLS':
      return `smtps://${host}:${port}`
    case 'None':
      return `smtp://${host}:${port}?ignoreTLS=true`
  }
}

/** Words of a spec begin with a capital letter, as Kubernetes writes them; the server's do not. */
function inLowerCase(word: string): string {
  return word.toLowerCase()
}
