import { pageLanguages } from '../../../contract/pages-file.ts'
import type { AuthServiceSpec } from '../../../operator/authservice/api/spec.ts'

/** A field, a value that differs from its default, and the paths that change when it is set. */
export interface FieldExpectation {
  value: unknown
  /** The prefixes of all paths that change. Each is a prefix of at least one. */
  changes: readonly string[]
  /** The spec that sets it; by default one for staging with managed databases. */
  base?: AuthServiceSpec
}

/** A spec in which most fields can be set. */
export const managed: AuthServiceSpec = {
  environment: 'staging',
  mongodb: { managed: {} },
  redis: { managed: {} },
  tokens: { issuer: 'https://auth.example.com', audience: 'apps' },
  ingress: { type: 'Nginx', host: 'auth.example.com', tls: { secretName: 'tls' } },
}
const fixed: AuthServiceSpec = { ...managed, autoscaling: { enabled: false } }
const judgedByQuery = (prometheus: { query: string; min?: number; max?: number }): AuthServiceSpec => ({
  ...managed,
  rollout: { analysis: { enabled: false, prometheus } },
})
const external: AuthServiceSpec = {
  ...managed,
  mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' }, caSecretRef: { name: 'ca', key: 'ca.crt' } } },
  redis: {
    external: {
      host: 'redis.example.com',
      passwordSecretRef: { name: 'r', key: 'password' },
      tls: { enabled: true, caSecretRef: { name: 'ca', key: 'ca.crt' } },
    },
  },
}
const ownKeys: AuthServiceSpec = {
  ...managed,
  tokens: { ...managed.tokens, signingKeys: { secretRef: { name: 'k', key: 'keys.json' } } },
}

const mailing: AuthServiceSpec = {
  ...managed,
  mail: {
    smtp: {
      host: 'smtp.example.com',
      credentialsSecretRef: { name: 'smtp' },
      caSecretRef: { name: 'ca', key: 'ca.crt' },
    },
    from: 'no-reply@example.com',
    passwordResetURL: 'https://app.example.com/reset#token={token}',
    emailVerificationURL: 'https://app.example.com/verify#token={token}',
  },
}
const administered: AuthServiceSpec = {
  ...managed,
  initialAdmin: { email: 'admin@example.com', passwordSecretRef: { name: 'admin', key: 'password' } },
}
const introspected: AuthServiceSpec = { ...managed, oauth: { clientsSecretRef: { name: 'clients', key: 'clients' } } }
const withCookies: AuthServiceSpec = {
  ...managed,
  cors: { origins: ['https://app.example.com'] },
  cookies: { enabled: true },
}
const withMfa: AuthServiceSpec = { ...managed, mfa: { mode: 'Optional' } }
const withPasskeys: AuthServiceSpec = { ...managed, mfa: { mode: 'Optional', passkeys: { enabled: true } } }
const requiringMfa: AuthServiceSpec = { ...managed, mfa: { mode: 'Required' } }
/** The file that servers read again: their pods stay the same. */
const pagesContent = 'ConfigMap accounts-pages: data.pages.json'
const logo = 'data:image/png;base64,iVBORw0KGgo='
const withOidc: AuthServiceSpec = { ...managed, oidc: { enabled: true } }
const receiving: AuthServiceSpec = {
  ...managed,
  oidc: { enabled: true, backchannelLogout: { caSecretRef: { name: 'ca', key: 'ca.crt' } } },
}
const corp = {
  name: 'corp',
  issuer: 'https://id.example.com',
  clientID: 'auth',
  clientSecretRef: { name: 'corp', key: 'secret' },
}
const traced: AuthServiceSpec = { ...managed, tracing: { otlpEndpoint: 'http://collector.monitoring:4318' } }
const referencesHash = 'Deployment accounts-blue: spec.template.metadata.annotations.auth-operator.dev/references-hash'

const backedUp: AuthServiceSpec = {
  ...managed,
  backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
}

const rollout = 'Decision: rollout'
const issued: AuthServiceSpec = {
  ...managed,
  ingress: { ...managed.ingress, tls: { secretName: 'tls', issuerRef: { name: 'letsencrypt' } } },
}
const byIngress: AuthServiceSpec = { ...managed, ingress: { type: 'Ingress', host: 'auth.example.com' } }
const byGateway: AuthServiceSpec = {
  ...managed,
  ingress: { type: 'Gateway', host: 'auth.example.com', gateway: { parentRefs: [{ name: 'gateway' }] } },
}
const everyIngress = (field: string) =>
  ['accounts', 'accounts-login', 'accounts-register'].map((name) => `Ingress ${name}: ${field}`)

const deployment = 'Deployment accounts-blue: spec'
const pod = `${deployment}.template.spec`
const container = `${pod}.containers[server]`
/** A variable of the server. */
const server = (variable: string) => `${container}.env[${variable}]`
const job = 'Job accounts-migrate: spec.template.spec'
const jobMetadata = 'Job accounts-migrate: spec.template.metadata'
/** A variable of the server and the migration. */
const both = (variable: string) => [server(variable), `${job}.containers[migrate].env[${variable}]`]
/** A volume of the server and the migration. */
const volume = (name: string) => [`${pod}.volumes[${name}]`, `${job}.volumes[${name}]`]
/** Server pods mention the name of the Secret, but neither its content nor a variable. */
const initialAdmin = `${deployment}.template.metadata.annotations.auth-operator.dev/initial-admin`
const images = [`${container}.image`, `${job}.containers[migrate].image`]
const edge = 'Deployment accounts-edge: spec'
const edgeContent = 'ConfigMap accounts-edge: data'
const mongodb = 'StatefulSet accounts-mongodb: spec'
const backup = 'CronJob accounts-backup: spec.jobTemplate.spec.template.spec'
const backupMetadata = 'CronJob accounts-backup: spec.jobTemplate.spec.template.metadata'
const redis = 'StatefulSet accounts-redis: spec'
const hpa = 'HorizontalPodAutoscaler accounts: spec'
const everyPod = (field: string) => [
  ...[deployment, edge, mongodb, redis].map((workload) => `${workload}.template.spec.${field}`),
  `${job}.${field}`,
]

/**
 * One expectation for each field of a spec. A field without a change belongs to something that does not exist at first.
 */
export const fieldExpectations: Readonly<Record<string, FieldExpectation>> = {
  environment: {
    value: 'production',
    changes: [
      'Decision: counts.blue',
      `${hpa}.`,
      ...both('ENVIRONMENT'),
      server('DOCS_ENABLED'),
      server('LOG_REQUESTS'),
      server('REPLICAS'),
      `${container}.resources`,
      `${container}.command`,
      // CPU alerts compare with the request of a pod.
      'PrometheusRule accounts: spec.groups[authservice-team-a-accounts-server]',
      edgeContent,
      `${rollout}.analysisEnabled`,
      'Decision: analysis.enabled',
    ],
  },
  version: { value: '1.2.3', changes: images },
  image: { value: 'example.com/auth@sha256:0', changes: images },
  imagePullSecrets: { value: [{ name: 'pull' }], changes: everyPod('imagePullSecrets') },
  replicas: { value: 5, base: fixed, changes: ['Decision: counts.blue'] },
  'autoscaling.enabled': { value: false, changes: ['HorizontalPodAutoscaler accounts:'] },
  'autoscaling.minReplicas': { value: 4, changes: ['Decision: counts.blue', `${hpa}.minReplicas`] },
  'autoscaling.maxReplicas': { value: 9, changes: [`${hpa}.maxReplicas`] },
  'autoscaling.targetCPUUtilizationPercentage': { value: 50, changes: [`${hpa}.metrics`] },
  'autoscaling.behavior': { value: { scaleUp: { stabilizationWindowSeconds: 30 } }, changes: [`${hpa}.behavior`] },
  'rollout.strategy': { value: 'RollingUpdate', changes: [`${rollout}.strategy`] },
  'rollout.progressDeadlineSeconds': {
    value: 900,
    changes: [`${deployment}.progressDeadlineSeconds`, `${rollout}.progressDeadlineSeconds`],
  },
  'rollout.minReadySeconds': { value: 9, changes: [`${deployment}.minReadySeconds`] },
  'rollout.autoRollback': { value: false, changes: [`${rollout}.autoRollback`] },
  'rollout.revisionHistoryLimit': { value: 9, changes: [`${deployment}.revisionHistoryLimit`] },
  'rollout.rollingUpdate.maxUnavailable': {
    value: 1,
    changes: [`${deployment}.strategy.rollingUpdate.maxUnavailable`],
  },
  'rollout.rollingUpdate.maxSurge': {
    value: 2,
    changes: [`${deployment}.strategy.rollingUpdate.maxSurge`, 'Decision: rollout.maxSurge'],
  },
  'rollout.blueGreen.promotion': { value: 'Manual', changes: [`${rollout}.promotion`] },
  'rollout.blueGreen.autoPromoteAfterSeconds': { value: 60, changes: [`${rollout}.autoPromoteAfterSeconds`] },
  'rollout.blueGreen.scaleDownDelaySeconds': { value: 60, changes: [`${rollout}.scaleDownDelaySeconds`] },
  'rollout.blueGreen.previewHost': { value: 'preview.example.com', changes: [edgeContent] },
  'rollout.smokeTest.enabled': {
    value: false,
    changes: ['NetworkPolicy accounts-smoke-test:', `${rollout}.smokeTestEnabled`, 'Decision: smokeTest.enabled'],
  },
  'rollout.smokeTest.timeoutSeconds': { value: 60, changes: ['Decision: smokeTest.timeoutSeconds'] },
  'rollout.analysis.enabled': {
    value: true,
    changes: [`${rollout}.analysisEnabled`, 'Decision: analysis.enabled'],
  },
  'rollout.analysis.windowSeconds': {
    value: 30,
    changes: [`${rollout}.analysisWindowSeconds`, 'Decision: analysis.windowSeconds'],
  },
  'rollout.analysis.maxErrorRatePercent': { value: 1, changes: ['Decision: analysis.maxErrorRatePercent'] },
  'rollout.analysis.maxP99LatencyMilliseconds': {
    value: 100,
    changes: ['Decision: analysis.maxP99LatencyMilliseconds'],
  },
  'rollout.analysis.minLoginSuccessPercent': { value: 50, changes: ['Decision: analysis.minLoginSuccessPercent'] },
  'rollout.analysis.minRequests': { value: 100, changes: ['Decision: analysis.minRequests'] },
  'rollout.analysis.prometheus.query': {
    value: 'up',
    base: judgedByQuery({ query: 'down', max: 1 }),
    changes: ['Decision: analysis.prometheus.query'],
  },
  'rollout.analysis.prometheus.min': {
    value: 0.5,
    base: judgedByQuery({ query: 'up', max: 1 }),
    changes: ['Decision: analysis.prometheus.min'],
  },
  'rollout.analysis.prometheus.max': {
    value: 0.5,
    base: judgedByQuery({ query: 'up', min: 0.1 }),
    changes: ['Decision: analysis.prometheus.max'],
  },
  'mongodb.external.urlSecretRef.name': { value: 'other', base: external, changes: volume('mongodb') },
  'mongodb.external.urlSecretRef.key': {
    value: 'other',
    base: external,
    changes: [...volume('mongodb'), ...both('MONGODB_URL_FILE')],
  },
  'mongodb.external.caSecretRef.name': { value: 'other', base: external, changes: volume('mongodb-ca') },
  'mongodb.external.caSecretRef.key': {
    value: 'other',
    base: external,
    changes: [...volume('mongodb-ca'), ...both('MONGODB_CA_FILE')],
  },
  'mongodb.managed.storage.size': { value: '20Gi', changes: [`${mongodb}.volumeClaimTemplates`] },
  'mongodb.managed.storage.storageClassName': { value: 'fast', changes: [`${mongodb}.volumeClaimTemplates`] },
  'mongodb.managed.storage.ephemeral': {
    value: true,
    changes: [`${mongodb}.volumeClaimTemplates`, `${mongodb}.template.spec.volumes[data]`],
  },
  'jobs.labels': {
    value: { team: 'a' },
    base: backedUp,
    changes: [`${jobMetadata}.labels.team`, `${backupMetadata}.labels.team`],
  },
  'jobs.annotations': {
    value: { team: 'a' },
    base: backedUp,
    changes: [`${jobMetadata}.annotations.team`, `${backupMetadata}.annotations.team`],
  },
  'jobs.resources': {
    value: { limits: { cpu: '1' } },
    changes: [
      `${job}.containers[migrate].resources.limits.cpu`,
      `${mongodb}.template.spec.containers[setup].resources.limits.cpu`,
    ],
  },
  'mongodb.managed.resources': {
    value: { limits: { memory: '2Gi' } },
    changes: [`${mongodb}.template.spec.containers[mongodb].resources`],
  },
  'mongodb.database': {
    value: 'shop',
    changes: [
      ...both('DATABASE_NAME'),
      'Secret accounts-mongodb: data.url',
      `${mongodb}.template.spec.containers[setup].env[DATABASE_NAME]`,
    ],
  },
  'mongodb.usersCollection': { value: 'customers', changes: both('COLLECTION_NAME') },
  'mongodb.pool.minSize': { value: 3, changes: [server('MONGODB_MIN_POOL_SIZE')] },
  'mongodb.pool.maxSize': { value: 30, changes: [server('MONGODB_MAX_POOL_SIZE')] },
  'mongodb.readPreference': { value: 'nearest', changes: [server('MONGODB_READ_PREFERENCE')] },
  'redis.external.host': { value: 'other.example.com', base: external, changes: both('REDIS_HOST') },
  'redis.external.port': {
    value: 6380,
    base: external,
    changes: [
      ...both('REDIS_PORT'),
      'NetworkPolicy accounts: spec.egress',
      'NetworkPolicy accounts-migration: spec.egress',
    ],
  },
  'redis.external.passwordSecretRef.name': { value: 'other', base: external, changes: volume('redis') },
  'redis.external.passwordSecretRef.key': {
    value: 'other',
    base: external,
    changes: [...volume('redis'), ...both('REDIS_PASSWORD_FILE')],
  },
  'redis.external.tls.enabled': {
    value: false,
    base: external,
    changes: [...both('REDIS_TLS'), ...both('ALLOW_INSECURE_REDIS')],
  },
  // Allows what the schema refuses otherwise.
  'redis.external.allowInsecure': { value: true, base: external, changes: [] },
  'redis.external.tls.caSecretRef.name': { value: 'other', base: external, changes: volume('redis-ca') },
  'redis.external.tls.caSecretRef.key': {
    value: 'other',
    base: external,
    changes: [...volume('redis-ca'), ...both('REDIS_CA_FILE')],
  },
  'redis.managed.storage.size': { value: '2Gi', changes: [`${redis}.volumeClaimTemplates`] },
  'redis.managed.storage.storageClassName': { value: 'fast', changes: [`${redis}.volumeClaimTemplates`] },
  'redis.managed.storage.ephemeral': {
    value: true,
    changes: [`${redis}.volumeClaimTemplates`, `${redis}.template.spec.volumes[data]`],
  },
  'redis.managed.resources': {
    value: { requests: { cpu: '200m' } },
    changes: [`${redis}.template.spec.containers[redis].resources`],
  },
  'tokens.algorithm': { value: 'EdDSA', changes: ['Decision: next key', 'Secret accounts-keys: data'] },
  'tokens.issuer': { value: 'https://other.example.com', changes: both('JWT_ISSUER') },
  'tokens.audience': { value: 'others', changes: [server('JWT_AUDIENCE')] },
  'tokens.accessTokenClaims': { value: ['roles', 'department'], changes: [server('ACCESS_TOKEN_CLAIMS')] },
  'tokens.accessTokenLifetime': { value: '5m', changes: [server('ACCESS_TOKEN_LIFETIME')] },
  'tokens.refreshTokenIdleLifetime': { value: '1d', changes: [server('REFRESH_TOKEN_IDLE_LIFETIME')] },
  'tokens.refreshTokenAbsoluteLifetime': { value: '60d', changes: [server('REFRESH_TOKEN_ABSOLUTE_LIFETIME')] },
  'tokens.refreshTokenGrace': { value: '30s', changes: [server('REFRESH_TOKEN_GRACE')] },
  'tokens.signingKeys.rotationInterval': { value: '30d', changes: ['Decision: next key'] },
  'tokens.signingKeys.activationDelay': { value: '10m', changes: ['Decision: next key'] },
  'tokens.signingKeys.secretRef.name': { value: 'other', base: ownKeys, changes: volume('keys') },
  'tokens.signingKeys.secretRef.key': {
    value: 'other',
    base: ownKeys,
    changes: [...volume('keys'), ...both('JWT_KEYS_FILE')],
  },
  'tokens.revocation.maxStaleness': { value: '1m', changes: [server('REVOCATION_MAX_STALENESS')] },
  'tokens.revocation.whenStale': { value: 'Accept', changes: [server('REVOCATION_WHEN_STALE')] },
  'passwords.bcryptCost': { value: 13, changes: [server('BCRYPT_COST')] },
  'passwords.minLength': { value: 16, changes: [server('PASSWORD_MIN_LENGTH')] },
  'passwords.words': { value: ['acme'], changes: [server('PASSWORD_WORDS')] },
  'mfa.mode': {
    value: 'Optional',
    changes: [
      'Secret accounts-mfa-keys: ',
      `${pod}.volumes[mfa-keys]`,
      `${container}.volumeMounts[mfa-keys]`,
      ...['MFA_MODE', 'MFA_KEYS_FILE', 'MFA_STEP_UP_MAX_AGE'].map(server),
    ],
  },
  'mfa.requiredRoles': { value: ['admin'], base: withMfa, changes: [server('MFA_REQUIRED_ROLES')] },
  'mfa.gracePeriod': { value: '14d', base: requiringMfa, changes: [server('MFA_GRACE_PERIOD')] },
  'mfa.serviceName': { value: 'Acme', base: withMfa, changes: [server('MFA_SERVICE_NAME')] },
  'mfa.stepUpMaxAge': { value: '5m', base: withMfa, changes: [server('MFA_STEP_UP_MAX_AGE')] },
  'mfa.totp.enabled': { value: false, base: withPasskeys, changes: [server('MFA_TOTP')] },
  'mfa.passkeys.enabled': { value: true, base: withMfa, changes: ['WEBAUTHN_RP_ID', 'WEBAUTHN_ORIGINS'].map(server) },
  'mfa.passkeys.rpID': { value: 'example.com', base: withPasskeys, changes: [server('WEBAUTHN_RP_ID')] },
  'mfa.passkeys.origins': {
    value: ['https://auth.example.com:8443'],
    base: withPasskeys,
    changes: [server('WEBAUTHN_ORIGINS')],
  },
  'mfa.passkeys.allowedAAGUIDs': {
    value: ['2fc0579f-8113-47ea-b116-bb5a8db9202a'],
    base: withPasskeys,
    changes: [server('WEBAUTHN_AAGUIDS')],
  },
  'mfa.encryptionKeys.rotationInterval': { value: '7d', base: withMfa, changes: ['Decision: next key'] },
  'oidc.enabled': {
    value: true,
    changes: [
      ...['oidc-keys', 'oidc-clients', 'identity-providers'].flatMap((name) => [
        `Secret accounts-${name}: `,
        `${pod}.volumes[${name}]`,
        `${container}.volumeMounts[${name}]`,
      ]),
      'ConfigMap accounts-pages: ',
      `${pod}.volumes[pages]`,
      `${container}.volumeMounts[pages]`,
      ...['OIDC_CLIENTS_FILE', 'OIDC_KEYS_FILE', 'PAGES_FILE', 'IDENTITY_PROVIDERS_FILE'].map(server),
      edgeContent,
      'Decision: next key',
    ],
  },
  // They decide which AuthClients are in the file.
  'pages.name': { value: 'Acme', base: withOidc, changes: [pagesContent] },
  'pages.logo.light': { value: logo, base: withOidc, changes: [pagesContent] },
  'pages.logo.dark': { value: logo, base: { ...withOidc, pages: { logo: { light: logo } } }, changes: [pagesContent] },
  'pages.colors.light': { value: '#0f766e', base: withOidc, changes: [pagesContent] },
  'pages.colors.dark': { value: '#5eead4', base: withOidc, changes: [pagesContent] },
  'pages.links.privacy': { value: 'https://example.com', base: withOidc, changes: [pagesContent] },
  'pages.links.terms': { value: 'https://example.com', base: withOidc, changes: [pagesContent] },
  'pages.links.help': { value: 'mailto:help@example.com', base: withOidc, changes: [pagesContent] },
  'pages.languages': { value: ['de', 'en'], base: withOidc, changes: [pagesContent] },
  ...Object.fromEntries(
    pageLanguages.map((language) => [
      `pages.texts.${language}`,
      { value: { 'login.title': 'Welcome' }, base: withOidc, changes: [pagesContent] },
    ]),
  ),
  'oidc.clientNamespaces.from': { value: 'All', base: withOidc, changes: [] },
  'oidc.clientNamespaces.names': { value: ['shops'], base: withOidc, changes: [] },
  // No pod is replaced: the receivers are in the file of clients, once a client has one of them.
  'oidc.backchannelLogout.receivers': {
    value: [{ host: 'shop.shops.svc', port: 8443 }],
    base: withOidc,
    changes: ['NetworkPolicy accounts: spec.egress'],
  },
  'oidc.backchannelLogout.caSecretRef.name': { value: 'other', base: receiving, changes: [] },
  'oidc.backchannelLogout.caSecretRef.key': { value: 'other', base: receiving, changes: [] },
  'oidc.signingKeys.rotationInterval': { value: '7d', base: withOidc, changes: ['Decision: next key'] },
  // Of the servers, only a Secret that they read again: no pod is replaced.
  identityProviders: {
    value: [corp],
    base: withOidc,
    changes: ['Secret accounts-identity-providers: ', 'NetworkPolicy accounts: spec.egress'],
  },
  'mail.smtp.host': { value: 'other.example.com', base: mailing, changes: [server('SMTP_URL')] },
  'mail.smtp.port': {
    value: 2525,
    base: mailing,
    changes: [server('SMTP_URL'), 'NetworkPolicy accounts: spec.egress'],
  },
  'mail.smtp.encryption': {
    value: 'TLS',
    base: mailing,
    changes: [server('SMTP_URL'), 'NetworkPolicy accounts: spec.egress'],
  },
  'mail.smtp.credentialsSecretRef.name': {
    value: 'other-smtp',
    base: mailing,
    changes: [`${pod}.volumes[smtp-user]`, `${pod}.volumes[smtp-password]`, referencesHash],
  },
  'mail.smtp.credentialsSecretRef.usernameKey': {
    value: 'other',
    base: mailing,
    changes: [`${pod}.volumes[smtp-user]`, server('SMTP_USER_FILE'), referencesHash],
  },
  'mail.smtp.credentialsSecretRef.passwordKey': {
    value: 'other',
    base: mailing,
    changes: [`${pod}.volumes[smtp-password]`, server('SMTP_PASSWORD_FILE'), referencesHash],
  },
  'mail.smtp.caSecretRef.name': { value: 'other', base: mailing, changes: [`${pod}.volumes[smtp-ca]`] },
  'mail.smtp.caSecretRef.key': {
    value: 'other',
    base: mailing,
    changes: [`${pod}.volumes[smtp-ca]`, server('SMTP_CA_FILE')],
  },
  'mail.from': { value: 'Us <us@example.com>', base: mailing, changes: [server('MAIL_FROM')] },
  'mail.passwordResetURL': {
    value: 'https://other.example.com/{token}',
    base: mailing,
    changes: [server('PASSWORD_RESET_URL')],
  },
  'mail.emailVerificationURL': {
    value: 'https://other.example.com/{token}',
    base: mailing,
    changes: [server('EMAIL_VERIFY_URL')],
  },
  'mail.passwordResetLifetime': { value: '1h', base: mailing, changes: [server('PASSWORD_RESET_LIFETIME')] },
  'mail.emailVerificationLifetime': { value: '2d', base: mailing, changes: [server('EMAIL_VERIFY_LIFETIME')] },
  'registration.disclosure': { value: 'Hidden', base: mailing, changes: [server('REGISTRATION_DISCLOSURE')] },
  'initialAdmin.email': {
    value: 'other@example.com',
    base: administered,
    changes: [initialAdmin, `${job}.containers[migrate].env[INITIAL_ADMIN_EMAIL]`],
  },
  'initialAdmin.passwordSecretRef.name': {
    value: 'other',
    base: administered,
    changes: [initialAdmin, `${job}.volumes[initial-admin]`],
  },
  'initialAdmin.passwordSecretRef.key': {
    value: 'other',
    base: administered,
    changes: [
      initialAdmin,
      `${job}.volumes[initial-admin]`,
      `${job}.containers[migrate].env[INITIAL_ADMIN_PASSWORD_FILE]`,
    ],
  },
  'oauth.clientsSecretRef.name': {
    value: 'other-clients',
    base: introspected,
    changes: [`${pod}.volumes[oauth-clients]`, referencesHash],
  },
  'oauth.clientsSecretRef.key': {
    value: 'other',
    base: introspected,
    changes: [`${pod}.volumes[oauth-clients]`, server('OAUTH_CLIENTS_FILE'), referencesHash],
  },
  'cookies.enabled': {
    value: false,
    base: withCookies,
    changes: [server('COOKIE_MODE'), server('COOKIE_SAME_SITE'), server('CORS_CREDENTIALS')],
  },
  'cookies.sameSite': { value: 'Lax', base: withCookies, changes: [server('COOKIE_SAME_SITE')] },
  'logs.level': { value: 'Warn', changes: [server('LOG_LEVEL')] },
  'logs.requests': { value: 'None', changes: [server('LOG_REQUESTS')] },
  'securityEvents.retention': { value: '30d', changes: [server('SECURITY_EVENTS_RETENTION')] },
  'tracing.otlpEndpoint': {
    value: 'https://collector.example.com',
    base: traced,
    changes: [server('OTEL_EXPORTER_OTLP_ENDPOINT'), 'NetworkPolicy accounts: spec.egress'],
  },
  'tracing.serviceName': { value: 'auth', base: traced, changes: [server('OTEL_SERVICE_NAME')] },
  'tracing.samplePercent': { value: 5, base: traced, changes: [server('OTEL_TRACES_SAMPLER_ARG')] },
  'rateLimits.perClient': { value: '50/s', changes: [server('RATE_LIMIT_PER_CLIENT'), edgeContent] },
  'rateLimits.burst': { value: 50, changes: [server('RATE_LIMIT_BURST'), edgeContent] },
  'rateLimits.login': { value: '20/m', changes: [server('RATE_LIMIT_LOGIN'), edgeContent] },
  'rateLimits.register': { value: '20/m', changes: [server('RATE_LIMIT_REGISTER'), edgeContent] },
  'rateLimits.refresh': { value: '20/m', changes: [server('RATE_LIMIT_REFRESH')] },
  'rateLimits.reset': { value: '20/m', changes: [server('RATE_LIMIT_RESET'), edgeContent] },
  'rateLimits.loginPerAccount': { value: '7/m', changes: [server('RATE_LIMIT_LOGIN_ACCOUNT')] },
  'rateLimits.loginPerPair': { value: '7/m', changes: [server('RATE_LIMIT_LOGIN_PAIR')] },
  'rateLimits.loginPerKnownDevice': { value: '7/m', changes: [server('RATE_LIMIT_LOGIN_KNOWN_DEVICE')] },
  'rateLimits.mail': { value: '7/m', changes: [server('RATE_LIMIT_MAIL')] },
  'rateLimits.emailVerification': { value: '7/m', changes: [server('RATE_LIMIT_EMAIL_VERIFY')] },
  'rateLimits.sensitive': { value: '7/m', changes: [server('RATE_LIMIT_SENSITIVE')] },
  'rateLimits.profile': { value: '7/m', changes: [server('RATE_LIMIT_PROFILE')] },
  'rateLimits.admin': { value: '7/m', changes: [server('RATE_LIMIT_ADMIN')] },
  'lockout.failures': { value: 3, changes: [server('LOGIN_LOCK_AT_FAILURE')] },
  'lockout.firstLock': { value: '5s', changes: [server('LOGIN_LOCK_FIRST')] },
  'lockout.longestLock': { value: '1h', changes: [server('LOGIN_LOCK_LONGEST')] },
  'lockout.forgetAfter': { value: '1h', changes: [server('LOGIN_FAILURE_MEMORY')] },
  'lockout.knownDeviceLifetime': { value: '30d', changes: [server('KNOWN_DEVICE_LIFETIME')] },
  'cors.origins': { value: ['https://app.example.com'], changes: [server('CORS_ORIGINS')] },
  'ingress.type': {
    value: 'None',
    changes: [
      server('TRUST_PROXY_HOPS'),
      server('TRUSTED_PROXY_SECRET_FILE'),
      `${pod}.volumes[edge-secret]`,
      `${container}.volumeMounts[edge-secret]`,
      'Deployment accounts-blue: spec.template.metadata.annotations',
      ...['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'].map(
        (kind) => `${kind} accounts-edge:`,
      ),
      'PrometheusRule accounts: spec.groups[authservice-team-a-accounts-edge]',
    ],
  },
  'ingress.host': { value: 'other.example.com', changes: [edgeContent] },
  'ingress.tls.secretName': {
    value: 'other-tls',
    changes: [`${edge}.template.spec.volumes[tls]`],
  },
  'ingress.tls.issuerRef.kind': {
    value: 'ClusterIssuer',
    base: issued,
    changes: ['Certificate accounts-edge: spec.issuerRef.kind'],
  },
  'ingress.tls.issuerRef.name': {
    value: 'other',
    base: issued,
    changes: ['Certificate accounts-edge: spec.issuerRef.name'],
  },
  'ingress.trustedProxyHops': { value: 2, base: byIngress, changes: [server('TRUST_PROXY_HOPS')] },
  'ingress.trustedProxies': { value: ['10.0.12.0/24'], base: byIngress, changes: [server('TRUSTED_PROXIES')] },
  'ingress.nginx.replicas': { value: 3, changes: [`${edge}.replicas`] },
  'ingress.nginx.serviceType': {
    value: 'NodePort',
    changes: ['Service accounts-edge: spec.type', 'Service accounts-edge: spec.externalTrafficPolicy'],
  },
  'ingress.nginx.nodePort': { value: 30443, changes: ['Service accounts-edge: spec.ports[https].nodePort'] },
  'ingress.nginx.resources': {
    value: { limits: { memory: '1Gi' } },
    changes: [`${edge}.template.spec.containers[nginx].resources`],
  },
  'ingress.ingress.className': {
    value: 'nginx',
    base: byIngress,
    changes: everyIngress('spec.ingressClassName'),
  },
  'ingress.ingress.annotations': {
    value: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '30' },
    base: byIngress,
    changes: everyIngress('metadata.annotations.nginx.ingress.kubernetes.io/proxy-read-timeout'),
  },
  'ingress.gateway.parentRefs': {
    value: [{ name: 'other' }],
    base: byGateway,
    changes: ['HTTPRoute accounts: spec.parentRefs'],
  },
  resources: {
    value: { limits: { memory: '1Gi', cpu: '8' } },
    changes: [
      `${container}.resources`,
      `${container}.command`,
      server('UV_THREADPOOL_SIZE'),
      'PrometheusRule accounts: spec.groups',
    ],
  },
  'pod.labels': {
    value: { team: 'a' },
    changes: [`${deployment}.template.metadata.labels.team`],
  },
  'pod.annotations': {
    value: { team: 'a' },
    changes: [`${deployment}.template.metadata.annotations.team`],
  },
  'pod.nodeSelector': { value: { disk: 'ssd' }, changes: [`${pod}.nodeSelector`] },
  'pod.tolerations': { value: [{ key: 'spot', operator: 'Exists' }], changes: [`${pod}.tolerations`] },
  'pod.affinity': {
    value: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
    changes: [`${pod}.affinity`],
  },
  'pod.topologySpreadConstraints': { value: [], changes: [`${pod}.topologySpreadConstraints`] },
  'pod.priorityClassName': { value: 'high', changes: [`${pod}.priorityClassName`] },
  'pod.serviceAccountName': { value: 'theirs', changes: [`${pod}.serviceAccountName`, `${job}.serviceAccountName`] },
  'pod.terminationGracePeriodSeconds': { value: 90, changes: [`${pod}.terminationGracePeriodSeconds`] },
  'monitoring.podMonitor': { value: 'Disabled', changes: ['PodMonitor accounts:'] },
  'monitoring.prometheusRule': { value: 'Disabled', changes: ['PrometheusRule accounts:'] },
  'monitoring.dashboard': { value: 'Disabled', changes: ['ConfigMap accounts-dashboard:'] },
  'networkPolicy.enabled': { value: false, changes: ['NetworkPolicy accounts'] },
  'networkPolicy.allowFrom': {
    value: [{ podSelector: { matchLabels: { app: 'shop' } } }],
    changes: ['NetworkPolicy accounts: spec.ingress'],
  },
  'backup.schedule': { value: '0 4 * * *', base: backedUp, changes: ['CronJob accounts-backup: spec.schedule'] },
  'backup.keep': { value: 3, base: backedUp, changes: [`${backup}.containers[backup].env[BACKUP_KEEP]`] },
  'backup.destination.persistentVolumeClaim.claimName': {
    value: 'other',
    base: backedUp,
    changes: [`${backup}.volumes[backups]`],
  },
  suspend: { value: true, changes: ['Decision: suspend'] },
}
