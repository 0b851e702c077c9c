import { isIPv6 } from 'node:net'
import type { ServerEnvironment } from '@authservice-operator/contract/environment.ts'
import { presetOf } from '../../api/presets.ts'
import type { ResolvedMail, ResolvedMfa, ResolvedSpec } from '../../api/resolved-spec.ts'
import { formatDuration, formatRate } from '../../api/units.ts'
import { redisName, redisPort } from '../databases/redis.ts'
import type { TemplateInput } from '../render-input.ts'
import { serverDrainSeconds } from './drain.ts'
import {
  acceptedKeysMount,
  databaseMounts,
  keysMount,
  mfaKeysMount,
  oidcMounts,
  pagesMount,
  pathOf,
  proxySecretMount,
  settingMounts,
} from './secret-mounts.ts'

export const serverPorts = { api: 8080, observability: 9090 } as const

/**
 * The environment of the server; its migrations use a part of it. The type is that of the server: a renamed variable
 * fails to compile.
 */
export function serverEnvironment(input: TemplateInput): ServerEnvironment {
  const { resolved } = input
  const { tokens, passwords, mongodb, traits } = resolved
  const mounts = { keys: keysMount(input), ...databaseMounts(input), ...settingMounts(input) }
  const accepted = acceptedKeysMount(input)
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
    // A managed MongoDB is in the same namespace, and uses plain text.
    ...(mongodb.source.kind === 'managed' && { ALLOW_INSECURE_MONGODB: 'true' }),
    ...redisEnvironment(input),
    ...(bringsOwnSecret ? { JWT_SECRET_FILE: pathOf(mounts.keys) } : { JWT_KEYS_FILE: pathOf(mounts.keys) }),
    ...(accepted && { JWT_ACCEPTED_KEYS_FILE: pathOf(accepted) }),
    JWT_ISSUER: tokens.issuer,
    JWT_AUDIENCE: tokens.audience,
    ...(tokens.accessTokenClaims.length > 0 && { ACCESS_TOKEN_CLAIMS: tokens.accessTokenClaims.join(',') }),
    ACCESS_TOKEN_LIFETIME: formatDuration(tokens.accessTokenLifetimeSeconds),
    REFRESH_TOKEN_IDLE_LIFETIME: formatDuration(tokens.refreshTokenIdleLifetimeSeconds),
    REFRESH_TOKEN_ABSOLUTE_LIFETIME: formatDuration(tokens.refreshTokenAbsoluteLifetimeSeconds),
    REFRESH_TOKEN_GRACE: formatDuration(tokens.refreshTokenGraceSeconds),
    BCRYPT_COST: String(passwords.bcryptCost),
    PASSWORD_MIN_LENGTH: String(passwords.minLength),
    ...(passwords.words.length > 0 && { PASSWORD_WORDS: passwords.words.join(',') }),
    ...mfaEnvironment(input),
    ...oidcEnvironment(input),
    EMAIL_HASH_SECRET_FILE: pathOf(mounts.emailHash),
    ...mailEnvironment(input),
    ...(mounts.oauthClients && { OAUTH_CLIENTS_FILE: pathOf(mounts.oauthClients) }),
    CORS_ORIGINS: resolved.cors.origins.join(','),
    ...cookieEnvironment(resolved),
    ...tracingEnvironment(resolved),
    ...limitEnvironment(resolved),
    ...proxyEnvironment(input),
    REVOCATION_MAX_STALENESS: formatDuration(tokens.revocation.maxStalenessSeconds),
    REVOCATION_WHEN_STALE: inLowerCase(tokens.revocation.whenStale),
    REGISTRATION_DISCLOSURE: inLowerCase(resolved.registration.disclosure),
    SECURITY_EVENTS_RETENTION: formatDuration(resolved.securityEvents.retentionSeconds),
    DOCS_ENABLED: String(traits.docs),
    // Applies only until Redis has counted the servers: a count that followed the autoscaler would restart the pods
    // that it scales.
    REPLICAS: String(presetOf(resolved.environment).autoscaling.minReplicas),
    SHUTDOWN_DRAIN_SECONDS: String(serverDrainSeconds),
  }
}

/** The edge is identified by its secret, other proxies by the networks that they connect from. */
function proxyEnvironment(input: TemplateInput): ServerEnvironment {
  const { trustedProxyHops, trustedProxies } = input.resolved.ingress
  const secret = proxySecretMount(input)
  return {
    TRUST_PROXY_HOPS: String(trustedProxyHops),
    ...(trustedProxies.length > 0 && { TRUSTED_PROXIES: trustedProxies.join(',') }),
    ...(secret && { TRUSTED_PROXY_SECRET_FILE: pathOf(secret) }),
  }
}

function redisEnvironment(input: TemplateInput): ServerEnvironment {
  const { redis } = input.resolved
  const { redis: password, redisCa } = databaseMounts(input)
  const passwordFile = password && { REDIS_PASSWORD_FILE: pathOf(password) }
  if (redis.kind === 'managed') {
    const host = `${redisName(input)}.${input.owner.namespace}.svc`
    return { REDIS_HOST: host, REDIS_PORT: String(redisPort), ALLOW_INSECURE_REDIS: 'true', ...passwordFile }
  }
  return {
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    // Several deployments may share it: none of them may count or read keys of another.
    REDIS_KEY_PREFIX: `${input.owner.namespace}/${input.owner.name}:`,
    REDIS_TLS: String(redis.tls.enabled),
    // In production, the schema rejects it unless the spec allows it explicitly.
    ...(!redis.tls.enabled && { ALLOW_INSECURE_REDIS: 'true' }),
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

/** Nothing while second factors are disabled: an upgrade of the operator replaces no pod because of them. */
function mfaEnvironment(input: TemplateInput): ServerEnvironment {
  const { mfa } = input.resolved
  const keys = mfaKeysMount(input)
  if (keys === undefined) return {}
  const roles = [...mfa.requiredRoles].sort().join(',')
  // A grace period without a requirement is refused by the server, and the spec may keep one.
  const isRequired = mfa.mode === 'Required' || roles !== ''
  return {
    MFA_MODE: inLowerCase(mfa.mode),
    ...(mfa.mode === 'Optional' && roles !== '' && { MFA_REQUIRED_ROLES: roles }),
    ...(isRequired && mfa.gracePeriodSeconds && { MFA_GRACE_PERIOD: formatDuration(mfa.gracePeriodSeconds) }),
    MFA_KEYS_FILE: pathOf(keys),
    ...(mfa.serviceName !== undefined && { MFA_SERVICE_NAME: mfa.serviceName }),
    MFA_STEP_UP_MAX_AGE: formatDuration(mfa.stepUpMaxAgeSeconds),
    // Not the default: an upgrade of the operator replaces no pod because of it.
    ...(!mfa.totpEnabled && { MFA_TOTP: 'false' }),
    ...passkeyEnvironment(mfa),
  }
}

function passkeyEnvironment({ passkeys }: ResolvedMfa): ServerEnvironment {
  if (passkeys === undefined) return {}
  const { rpID, origins, allowedAAGUIDs } = passkeys
  return {
    WEBAUTHN_RP_ID: rpID,
    WEBAUTHN_ORIGINS: origins.join(','),
    ...(allowedAAGUIDs && { WEBAUTHN_AAGUIDS: allowedAAGUIDs.join(',') }),
  }
}

function oidcEnvironment(input: TemplateInput): ServerEnvironment {
  const mounts = oidcMounts(input)
  const pages = pagesMount(input)
  if (mounts === undefined || pages === undefined) return {}
  return {
    OIDC_CLIENTS_FILE: pathOf(mounts.clients),
    OIDC_KEYS_FILE: pathOf(mounts.keys),
    PAGES_FILE: pathOf(pages),
    IDENTITY_PROVIDERS_FILE: pathOf(mounts.identityProviders),
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
    ...(mail.passwordResetURL !== undefined && { PASSWORD_RESET_URL: mail.passwordResetURL }),
    ...(mail.emailVerificationURL !== undefined && { EMAIL_VERIFY_URL: mail.emailVerificationURL }),
    PASSWORD_RESET_LIFETIME: formatDuration(mail.passwordResetLifetimeSeconds),
    EMAIL_VERIFY_LIFETIME: formatDuration(mail.emailVerificationLifetimeSeconds),
  }
}

function cookieEnvironment({ cookies, cors }: ResolvedSpec): ServerEnvironment {
  if (!cookies.enabled) return {}
  return {
    COOKIE_MODE: 'true',
    COOKIE_SAME_SITE: inLowerCase(cookies.sameSite),
    // With cookies, all origins must be named: without origins, only pages of the same origin as the server get
    // cookies.
    CORS_CREDENTIALS: String(cors.origins.length > 0 && !cors.origins.includes('*')),
  }
}

/** The OpenTelemetry library reads them, in addition to the server. */
function tracingEnvironment({ tracing }: ResolvedSpec): ServerEnvironment {
  if (tracing === undefined) return {}
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing.otlpEndpoint,
    OTEL_SERVICE_NAME: tracing.serviceName,
    OTEL_TRACES_SAMPLER_ARG: String(tracing.samplePercent / 100),
  }
}

/** Without the user: the environment contains no secrets. */
function smtpUrl({ host: address, port, encryption }: ResolvedMail['smtp']): string {
  const host = isIPv6(address) ? `[${address}]` : address
  switch (encryption) {
    case 'StartTLS':
      return `smtp://${host}:${port}?requireTLS=true`
    case 'TLS':
      return `smtps://${host}:${port}`
    case 'None':
      return `smtp://${host}:${port}?ignoreTLS=true`
  }
}

/** Enum values in a spec begin with a capital letter, as in Kubernetes; those of the server do not. */
function inLowerCase(word: string): string {
  return word.toLowerCase()
}
