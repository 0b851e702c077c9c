/** A manifest that the API server refuses, and a part of the sentence that says what to write instead. */
export interface WrongManifest {
  what: string
  /** The whole spec; where it is left out, one that is right. */
  spec?: object
  name?: string
  says: string
}

const managed = { mongodb: {}, redis: {} }
const production = { ...managed, environment: 'production', tokens: { issuer: 'https://auth.example.com' } }
const spec = (fields: object) => ({ ...managed, ...fields })
const secret = { name: 'a', key: 'b' }

const databases: WrongManifest[] = [
  { what: 'no mongodb', spec: { redis: {} }, says: 'spec.mongodb: Required value' },
  { what: 'no redis', spec: { mongodb: {} }, says: 'spec.redis: Required value' },
  {
    what: 'both kinds of MongoDB',
    spec: spec({ mongodb: { managed: {}, external: { urlSecretRef: secret } } }),
    says: 'external and managed exclude each other: write exactly one of them',
  },
  {
    what: 'neither kind of MongoDB, with settings for one',
    spec: spec({ mongodb: { database: 'auth' } }),
    says: 'write exactly one of external and managed: managed: {} for one that the operator runs',
  },
  {
    what: 'both kinds of Redis',
    spec: spec({ redis: { managed: {}, external: { host: 'redis' } } }),
    says: 'external and managed exclude each other: write exactly one of them',
  },
  {
    what: 'external MongoDB without a URL',
    spec: spec({ mongodb: { external: {} } }),
    says: 'urlSecretRef: Required value',
  },
  {
    what: 'a URL Secret without a key',
    spec: spec({ mongodb: { external: { urlSecretRef: { name: 'a' } } } }),
    says: 'urlSecretRef.key: Required value',
  },
  {
    what: "MongoDB's own database",
    spec: spec({ mongodb: { managed: {}, database: 'admin' } }),
    says: "admin, local and config are MongoDB's own databases: write another name, such as auth",
  },
  {
    what: 'a database with a dot',
    spec: spec({ mongodb: { managed: {}, database: 'a.b' } }),
    says: 'mongodb.database: Invalid value: "a.b"',
  },
  {
    what: "MongoDB's own collection",
    spec: spec({ mongodb: { managed: {}, usersCollection: 'system.users' } }),
    says: "names that start with system. are MongoDB's own: write another name, such as users",
  },
  {
    what: 'a pool whose least is over its most',
    spec: spec({ mongodb: { managed: {}, pool: { minSize: 20, maxSize: 10 } } }),
    says: 'pool.minSize is greater than pool.maxSize: write a minSize of at most maxSize',
  },
  {
    what: 'an empty pool',
    spec: spec({ mongodb: { managed: {}, pool: { maxSize: 0 } } }),
    says: 'maxSize in body should be greater than or equal to 1',
  },
  {
    what: 'a pool larger than the server takes',
    spec: spec({ mongodb: { managed: {}, pool: { minSize: 501 } } }),
    says: 'minSize in body should be less than or equal to 500',
  },
  {
    what: 'an unknown read preference',
    spec: spec({ mongodb: { managed: {}, readPreference: 'secondary' } }),
    says: 'Unsupported value: "secondary": supported values: "primary", "primaryPreferred"',
  },
  {
    what: 'a size without a number',
    spec: spec({ mongodb: { managed: { storage: { size: 'big' } } } }),
    says: 'storage.size: Invalid value: "big"',
  },
  {
    what: 'external Redis without a host',
    spec: spec({ redis: { external: { port: 6379 } } }),
    says: 'external.host: Required value',
  },
  {
    what: 'a URL where a host belongs',
    spec: spec({ redis: { external: { host: 'redis://redis.example.com' } } }),
    says: 'external.host: Invalid value',
  },
  {
    what: 'port 0 of Redis',
    spec: spec({ redis: { external: { host: 'redis', port: 0 } } }),
    says: 'port in body should be greater than or equal to 1',
  },
  {
    what: 'a Secret of another namespace',
    spec: spec({ redis: { external: { host: 'redis', passwordSecretRef: { name: 'other/secret', key: 'a' } } } }),
    says: 'passwordSecretRef.name: Invalid value: "other/secret"',
  },
]

const mail = (change: object = {}, smtp: object = {}) => ({
  smtp: { host: 'smtp.example.com', ...smtp },
  from: 'no-reply@example.com',
  passwordResetURL: 'https://app.example.com/reset#token={token}',
  emailVerificationURL: 'https://app.example.com/verify#token={token}',
  ...change,
})

const mails: WrongManifest[] = [
  {
    what: 'mail without a server',
    spec: spec({ mail: mail({ smtp: undefined }) }),
    says: 'mail.smtp: Required value',
  },
  {
    what: 'a URL where the host of SMTP belongs',
    spec: spec({ mail: mail({}, { host: 'smtp://smtp.example.com' }) }),
    says: 'smtp.host: Invalid value',
  },
  {
    what: 'an authority of nothing',
    spec: spec({ mail: mail({}, { encryption: 'None', caSecretRef: secret }) }),
    says: 'write encryption: StartTLS, or remove caSecretRef',
  },
  {
    what: 'a sender that would be two headers',
    spec: spec({ mail: mail({ from: 'a@example.com\nBcc: b@example.com' }) }),
    says: 'mail.from: Invalid value',
  },
  {
    what: 'a sender without an address',
    spec: spec({ mail: mail({ from: 'Accounts' }) }),
    says: 'mail.from: Invalid value: "Accounts"',
  },
  {
    what: 'a link without its token',
    spec: spec({ mail: mail({ passwordResetURL: 'https://app.example.com/reset' }) }),
    says: 'mail.passwordResetURL: Invalid value',
  },
  {
    what: 'a link that a pod would expand',
    spec: spec({ mail: mail({ emailVerificationURL: 'https://$(HOSTNAME)/{token}' }) }),
    says: 'mail.emailVerificationURL: Invalid value',
  },
  {
    what: 'a link that works for a minute',
    spec: spec({ mail: mail({ passwordResetLifetime: '1m' }) }),
    says: 'write a duration from 5m to 24h',
  },
  {
    what: 'a confirmation that works for a year',
    spec: spec({ mail: mail({ emailVerificationLifetime: '365d' }) }),
    says: 'write a duration from 5m to 30d',
  },
  {
    what: 'plain-text mail in production',
    spec: { ...production, mail: mail({}, { encryption: 'None' }) },
    says: 'write mail.smtp.encryption: StartTLS or TLS',
  },
  {
    what: 'a link to plain text in production',
    spec: { ...production, mail: mail({ passwordResetURL: 'http://app.example.com/{token}' }) },
    says: 'write mail.passwordResetURL and mail.emailVerificationURL as https://…',
  },
]

const accounts: WrongManifest[] = [
  {
    what: 'an administrator without a password',
    spec: spec({ initialAdmin: { email: 'admin@example.com' } }),
    says: 'initialAdmin.passwordSecretRef: Required value',
  },
  {
    what: 'an administrator without an email',
    spec: spec({ initialAdmin: { email: 'admin', passwordSecretRef: secret } }),
    says: 'initialAdmin.email: Invalid value: "admin"',
  },
  {
    what: 'OAuth clients in plain sight',
    spec: spec({ oauth: { clients: 'shop:secret' } }),
    says: 'unknown field "spec.oauth.clients"',
  },
  {
    what: 'cookies for every origin',
    spec: spec({ cookies: { enabled: true }, cors: { origins: ['*'] } }),
    says: 'write the origins of your pages in cors.origins, without *',
  },
  {
    what: 'a SameSite in small letters',
    spec: spec({ cookies: { sameSite: 'lax' } }),
    says: 'Unsupported value: "lax": supported values: "Strict", "Lax", "None"',
  },
  {
    what: 'a collector without a scheme',
    spec: spec({ tracing: { otlpEndpoint: 'collector:4318' } }),
    says: 'tracing.otlpEndpoint: Invalid value',
  },
  {
    what: 'more traces than requests',
    spec: spec({ tracing: { otlpEndpoint: 'http://collector:4318', samplePercent: 101 } }),
    says: 'samplePercent in body should be less than or equal to 100',
  },
]

const abuse: WrongManifest[] = [
  {
    what: 'hidden registration that nobody hears of',
    spec: spec({ environment: 'staging', registration: { disclosure: 'Hidden' } }),
    says: 'write mail, or registration.disclosure: Open',
  },
  {
    what: 'a first lock longer than the longest',
    spec: spec({ lockout: { firstLock: '1h', longestLock: '5m' } }),
    says: 'firstLock is longer than longestLock: write a shorter one, such as 1s',
  },
  { what: 'a first lock of two days', spec: spec({ lockout: { firstLock: '2d' } }), says: 'from 1s to 24h' },
  { what: 'a lock of a month', spec: spec({ lockout: { longestLock: '30d' } }), says: 'from 1s to 7d' },
  {
    what: 'failures that are forgotten at once',
    spec: spec({ lockout: { forgetAfter: '1s' } }),
    says: 'from 1m to 7d',
  },
  {
    what: 'a device that is known for a minute',
    spec: spec({ lockout: { knownDeviceLifetime: '1m' } }),
    says: 'from 1d to 730d',
  },
  { what: 'no failure before the lock', spec: spec({ lockout: { failures: 0 } }), says: 'greater than or equal to 1' },
  {
    what: 'news of revocations that are a week old',
    spec: spec({ tokens: { revocation: { maxStaleness: '7d' } } }),
    says: 'from 5s to 24h',
  },
  {
    what: 'security events for an hour',
    spec: spec({ securityEvents: { retention: '1h' } }),
    says: 'from 1d to 3650d',
  },
  {
    what: 'a log level that the server does not have',
    spec: spec({ logs: { level: 'Verbose' } }),
    says: 'Unsupported value: "Verbose": supported values: "Debug", "Info"',
  },
  {
    what: 'proxies before the Nginx that replaces what they say',
    spec: spec({ ingress: { type: 'Nginx', trustedProxyHops: 2 } }),
    says: 'remove trustedProxyHops, or write another type for proxies of your own',
  },
]

const scaling: WrongManifest[] = [
  {
    what: 'a count beside the autoscaler of staging',
    spec: spec({ environment: 'staging', replicas: 3 }),
    says: 'the autoscaler’s to set: remove it and write autoscaling.minReplicas, or write autoscaling.enabled: false',
  },
  {
    what: 'a count beside an autoscaler',
    spec: spec({ autoscaling: { enabled: true }, replicas: 3 }),
    says: 'write autoscaling.enabled: false',
  },
  {
    what: 'fewest pods over most pods',
    spec: spec({ autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } }),
    says: 'minReplicas is greater than maxReplicas: write a minReplicas of at most maxReplicas',
  },
  {
    what: 'an autoscaler that may go to zero',
    spec: spec({ autoscaling: { enabled: true, minReplicas: 0 } }),
    says: 'minReplicas in body should be greater than or equal to 1',
  },
  {
    what: 'a target over 100 percent',
    spec: spec({ autoscaling: { enabled: true, targetCPUUtilizationPercentage: 150 } }),
    says: 'should be less than or equal to 100',
  },
  {
    what: 'a negative count',
    spec: spec({ replicas: -1 }),
    says: 'replicas in body should be greater than or equal to 0',
  },
  { what: 'a count in words', spec: spec({ replicas: 'three' }), says: 'must be of type integer' },
]

const rollout: WrongManifest[] = [
  {
    what: 'blue-green settings beside a rolling update',
    spec: spec({ rollout: { strategy: 'RollingUpdate', blueGreen: { promotion: 'Auto' } } }),
    says: 'rollout.blueGreen has settings of another strategy: write rollout.strategy: BlueGreen, or remove them',
  },
  {
    what: 'blue-green settings where development has rolling updates',
    spec: spec({ rollout: { blueGreen: { scaleDownDelaySeconds: 60 } } }),
    says: 'write rollout.strategy: BlueGreen, or remove them',
  },
  {
    what: 'an automatic delay of a manual promotion',
    spec: spec({ rollout: { strategy: 'BlueGreen', blueGreen: { promotion: 'Manual', autoPromoteAfterSeconds: 60 } } }),
    says: 'autoPromoteAfterSeconds needs promotion: Auto; remove it, or write promotion: Auto',
  },
  {
    what: 'a query without a bound',
    spec: spec({ rollout: { analysis: { prometheus: { query: 'up' } } } }),
    says: 'a query judges nothing without a bound: write min, max or both',
  },
  {
    what: 'a query whose bounds exclude each other',
    spec: spec({ rollout: { analysis: { prometheus: { query: 'up', min: 0.5, max: 0.25 } } } }),
    says: 'min must not be above max',
  },
  {
    what: 'a preview under the name of the live colour',
    spec: spec({
      rollout: { strategy: 'BlueGreen', blueGreen: { previewHost: 'auth.example.com' } },
      ingress: { host: 'auth.example.com' },
    }),
    says: 'previewHost needs something in front and a name of its own',
  },
  {
    what: 'a preview where nothing stands in front',
    spec: spec({
      rollout: { strategy: 'BlueGreen', blueGreen: { previewHost: 'preview.example.com' } },
      ingress: { type: 'None' },
    }),
    says: 'write another ingress.type than None and another name than ingress.host, or remove it',
  },
  {
    what: 'an update that may neither take away nor add',
    spec: spec({ rollout: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } }),
    says: 'maxUnavailable and maxSurge cannot both be 0: write maxSurge: 1 or more',
  },
  {
    what: 'no surge, where nothing may be missing by default',
    spec: spec({ rollout: { rollingUpdate: { maxSurge: '0%' } } }),
    says: 'maxUnavailable and maxSurge cannot both be 0',
  },
  {
    what: 'a surge in words',
    spec: spec({ rollout: { rollingUpdate: { maxSurge: 'half' } } }),
    says: 'maxSurge: Invalid value: "half"',
  },
  {
    what: 'an unknown strategy',
    spec: spec({ rollout: { strategy: 'Recreate' } }),
    says: 'supported values: "RollingUpdate", "BlueGreen"',
  },
  {
    what: 'a deadline of a second',
    spec: spec({ rollout: { progressDeadlineSeconds: 1 } }),
    says: 'progressDeadlineSeconds in body should be greater than or equal to 30',
  },
  {
    what: 'an error rate over 100 percent',
    spec: spec({ rollout: { analysis: { maxErrorRatePercent: 101 } } }),
    says: 'should be less than or equal to 100',
  },
]

const tokens: WrongManifest[] = [
  {
    what: 'production without an issuer',
    spec: { ...managed, environment: 'production' },
    says: 'production needs an HTTPS issuer: write tokens.issuer: https://…',
  },
  {
    what: 'production with an HTTP issuer',
    spec: { ...production, tokens: { issuer: 'http://auth.example.com' } },
    says: 'production needs an HTTPS issuer: write tokens.issuer: https://…',
  },
  {
    what: 'an issuer that is no URL',
    spec: spec({ tokens: { issuer: 'auth.example.com' } }),
    says: 'tokens.issuer: Invalid value',
  },
  {
    what: 'an unsigned token',
    spec: spec({ tokens: { algorithm: 'none' } }),
    says: 'supported values: "ES256", "EdDSA", "HS256"',
  },
  {
    what: 'access longer than idle',
    spec: spec({ tokens: { accessTokenLifetime: '2h', refreshTokenIdleLifetime: '1h' } }),
    says: 'accessTokenLifetime is longer than refreshTokenIdleLifetime: lifetimes go up from access to idle to absolute, such as 15m, 7d, 30d',
  },
  {
    what: 'idle longer than absolute',
    spec: spec({ tokens: { refreshTokenIdleLifetime: '30d', refreshTokenAbsoluteLifetime: '7d' } }),
    says: 'refreshTokenIdleLifetime is longer than refreshTokenAbsoluteLifetime',
  },
  {
    what: 'access longer than absolute',
    spec: spec({ tokens: { accessTokenLifetime: '2h', refreshTokenAbsoluteLifetime: '1h' } }),
    says: 'accessTokenLifetime is longer than refreshTokenAbsoluteLifetime',
  },
  {
    what: 'an access token of a week',
    spec: spec({ tokens: { accessTokenLifetime: '7d' } }),
    says: 'out of bounds: write a duration from 1m to 24h',
  },
  {
    what: 'a duration without a unit',
    spec: spec({ tokens: { accessTokenLifetime: '900' } }),
    says: 'accessTokenLifetime: Invalid value: "900"',
  },
  {
    what: 'two units in a duration',
    spec: spec({ tokens: { accessTokenLifetime: '1h30m' } }),
    says: 'accessTokenLifetime: Invalid value: "1h30m"',
  },
  {
    what: 'an idle lifetime of a second',
    spec: spec({ tokens: { refreshTokenIdleLifetime: '1s' } }),
    says: 'out of bounds: write a duration from 5m to 365d',
  },
  {
    what: 'a session without an end',
    spec: spec({ tokens: { refreshTokenAbsoluteLifetime: '9999d' } }),
    says: 'out of bounds: write a duration from 5m to 730d',
  },
  {
    what: 'a new key every minute',
    spec: spec({ tokens: { signingKeys: { rotationInterval: '1m' } } }),
    says: 'out of bounds: write a duration from 1h to 730d',
  },
  {
    what: 'keys that sign before anybody can know them',
    spec: spec({ tokens: { signingKeys: { activationDelay: '10s' } } }),
    says: 'out of bounds: write a duration from 90s to 24h',
  },
  {
    what: 'keys that are replaced before they sign',
    spec: spec({ tokens: { signingKeys: { activationDelay: '2h', rotationInterval: '1h' } } }),
    says: 'activationDelay is not shorter than rotationInterval: write a shorter one, such as 5m',
  },
  {
    what: 'rotation of keys of your own',
    spec: spec({ tokens: { signingKeys: { secretRef: secret, rotationInterval: '30d' } } }),
    says: 'keys from secretRef are not rotated by the operator: remove rotationInterval and activationDelay',
  },
]

const security: WrongManifest[] = [
  {
    what: 'a cheap password hash',
    spec: spec({ passwords: { bcryptCost: 9 } }),
    says: 'below 10 a stolen hash is cheap to try, above 15 a login takes seconds: write 12, or 10 to 15',
  },
  { what: 'an endless password hash', spec: spec({ passwords: { bcryptCost: 16 } }), says: 'write 12, or 10 to 15' },
  {
    what: 'a password longer than bcrypt reads',
    spec: spec({ passwords: { minLength: 73 } }),
    says: 'minLength in body should be less than or equal to 72',
  },
  {
    what: 'a rate without a unit',
    spec: spec({ rateLimits: { login: '10' } }),
    says: 'rateLimits.login: Invalid value: "10"',
  },
  {
    what: 'a rate of a day',
    spec: spec({ rateLimits: { reset: '5/d' } }),
    says: 'rateLimits.reset: Invalid value: "5/d"',
  },
  {
    what: 'every origin in production',
    spec: { ...production, cors: { origins: ['*'] } },
    says: 'production allows HTTPS origins only: write each of cors.origins as https://…, without *',
  },
  {
    what: 'an HTTP origin in production',
    spec: { ...production, cors: { origins: ['http://app.example.com'] } },
    says: 'production allows HTTPS origins only',
  },
  {
    what: 'every origin and another one',
    spec: spec({ cors: { origins: ['*', 'https://app.example.com'] } }),
    says: '* allows every origin: write it alone, or write the origins without it',
  },
  {
    what: 'an origin with a path',
    spec: spec({ cors: { origins: ['https://app.example.com/login'] } }),
    says: 'cors.origins[0]: Invalid value',
  },
  {
    what: 'an origin twice',
    spec: spec({ cors: { origins: ['https://a.example.com', 'https://a.example.com'] } }),
    says: 'Duplicate value: "https://a.example.com"',
  },
]

const ingress: WrongManifest[] = [
  {
    what: 'a Gateway without Gateways',
    spec: spec({ ingress: { type: 'Gateway' } }),
    says: 'type: Gateway needs Gateways to attach to: write gateway.parentRefs',
  },
  ...['nginx.ingress.kubernetes.io/configuration-snippet', 'nginx.org/server-snippets'].map((key) => ({
    what: `an Ingress with ${key}`,
    spec: spec({ ingress: { type: 'Ingress', ingress: { annotations: { [key]: 'return 200;' } } } }),
    says: 'snippets put configuration of your own into a controller that others share',
  })),
  {
    what: 'an issuer whose host would be configuration',
    spec: spec({ tokens: { issuer: 'https://a;internal' } }),
    says: 'tokens.issuer: Invalid value',
  },
  {
    what: 'an unknown ingress',
    spec: spec({ ingress: { type: 'Caddy' } }),
    says: 'supported values: "Nginx", "Ingress", "Gateway", "None"',
  },
  {
    what: 'Nginx settings of another type',
    spec: spec({ ingress: { type: 'None', nginx: { replicas: 2 } } }),
    says: 'nginx belongs to type: Nginx; write that type, or remove nginx',
  },
  {
    what: 'Ingress settings of Nginx',
    spec: spec({ ingress: { ingress: { className: 'nginx' } } }),
    says: 'ingress belongs to type: Ingress; write that type, or remove ingress',
  },
  {
    what: 'Gateway settings of Nginx',
    spec: spec({ ingress: { gateway: { parentRefs: [{ name: 'gateway' }] } } }),
    says: 'gateway belongs to type: Gateway; write that type, or remove gateway',
  },
  {
    what: 'an issuer without a Secret to fill',
    spec: spec({ ingress: { tls: { issuerRef: { name: 'letsencrypt' } } } }),
    says: 'issuerRef needs a Secret to fill: add secretName',
  },
  {
    what: 'a node port that nobody opens',
    spec: spec({ ingress: { nginx: { serviceType: 'ClusterIP', nodePort: 30443 } } }),
    says: 'nodePort needs serviceType: NodePort or LoadBalancer; write one of them, or remove nodePort',
  },
  {
    what: 'a host with a path',
    spec: spec({ ingress: { host: 'auth.example.com/login' } }),
    says: 'ingress.host: Invalid value',
  },
  {
    what: 'a host that would end an Nginx directive',
    spec: spec({ ingress: { host: 'a; return 200' } }),
    says: 'ingress.host: Invalid value',
  },
]

const pods: WrongManifest[] = [
  {
    what: 'a version and an image',
    spec: spec({ version: '1.0.0', image: 'a/b:1' }),
    says: 'version and image exclude each other: keep version for a release, image for a full reference',
  },
  { what: 'a version with a slash', spec: spec({ version: '1.0/2' }), says: 'spec.version: Invalid value' },
  { what: 'an image with a space', spec: spec({ image: 'a/b :1' }), says: 'spec.image: Invalid value' },
  {
    what: 'an unknown environment',
    spec: spec({ environment: 'prod' }),
    says: 'supported values: "development", "staging", "production"',
  },
  {
    what: "the operator's own label",
    spec: spec({ pod: { labels: { 'app.kubernetes.io/name': 'mine' } } }),
    says: 'keys under app.kubernetes.io/ and auth-operator.dev/ are set by the operator: choose another prefix',
  },
  {
    what: "the operator's own annotation",
    spec: spec({ pod: { annotations: { 'auth-operator.dev/restart': 'x' } } }),
    says: 'are set by the operator: choose another prefix',
  },
  {
    what: 'no time to drain',
    spec: spec({ pod: { terminationGracePeriodSeconds: 3 } }),
    says: 'terminationGracePeriodSeconds in body should be greater than or equal to 15',
  },
  {
    what: 'memory in words',
    spec: spec({ resources: { limits: { memory: 'lots' } } }),
    says: 'limits.memory: Invalid value: "lots"',
  },
  {
    what: 'a peer that is nobody',
    spec: spec({ networkPolicy: { allowFrom: [{}] } }),
    says: 'an empty entry would allow nobody and nothing: write podSelector, namespaceSelector or both',
  },
  {
    what: 'a backup without a place',
    spec: spec({ backup: { schedule: '0 3 * * *' } }),
    says: 'backup.destination: Required value',
  },
  {
    what: 'a schedule of four fields',
    spec: spec({ backup: { schedule: '0 3 * *', destination: { persistentVolumeClaim: { claimName: 'b' } } } }),
    says: 'backup.schedule: Invalid value',
  },
  { what: 'a field with a typing error', spec: spec({ replica: 3 }), says: 'unknown field "spec.replica"' },
  {
    what: 'a host path',
    spec: spec({ pod: { volumes: [{ name: 'host', hostPath: { path: '/' } }] } }),
    says: 'unknown field "spec.pod.volumes"',
  },
]

const names: WrongManifest[] = [
  {
    what: 'a name of 41 characters',
    name: 'a'.repeat(41),
    says: "an AuthService's name has at most 40 characters, so that every child's name fits: choose a shorter one",
  },
  {
    what: 'a name with a dot',
    name: 'auth.example',
    says: "an AuthService's name becomes the name of Services: start with a letter, then lower-case letters, digits and -, no dots",
  },
  { what: 'a name that starts with a digit', name: '1st', says: 'start with a letter' },
]

/** Wrong when it is made. */
export const wrongManifests: readonly WrongManifest[] = [
  ...databases,
  ...mails,
  ...accounts,
  ...abuse,
  ...scaling,
  ...rollout,
  ...tokens,
  ...security,
  ...ingress,
  ...pods,
  ...names,
]

/** Right when it is made, and wrong as a change of what is there. */
export const wrongChanges: readonly { what: string; from: object; to: object; says: string }[] = [
  {
    what: 'another size of the volume of MongoDB',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { size: '20Gi' } } } }),
    says: 'managed.storage.size cannot change once the volume is made: write the size it has; to grow, enlarge the PersistentVolumeClaim itself',
  },
  {
    what: 'another class of the volume of MongoDB',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { storageClassName: 'fast' } } } }),
    says: 'managed.storage.storageClassName cannot change, the data would stay behind: write the class it had',
  },
  {
    what: 'a MongoDB that becomes ephemeral',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { ephemeral: true } } } }),
    says: 'managed.storage.ephemeral cannot change, the data would be lost: write the value it had',
  },
  {
    what: 'another size of the volume of Redis',
    from: spec({ redis: { managed: { storage: { size: '2Gi' } } } }),
    to: managed,
    says: 'managed.storage.size cannot change once the volume is made',
  },
  {
    what: 'the autoscaler off without a count',
    from: spec({ autoscaling: { enabled: true } }),
    to: spec({ autoscaling: { enabled: false } }),
    says: 'write replicas, with the count of now (kubectl get authsvc) if nothing is to change',
  },
  {
    what: 'another environment without a count',
    from: spec({ environment: 'staging' }),
    to: spec({ environment: 'development' }),
    says: 'without the autoscaler somebody has to say how many pods run',
  },
]

/** Changes that look like the ones above and lose nothing. */
export const rightChanges: readonly { what: string; from: object; to: object }[] = [
  {
    what: 'the size it has, written out',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { size: '10Gi' } } } }),
  },
  {
    what: 'the size it has, in another unit',
    from: managed,
    to: spec({ redis: { managed: { storage: { size: '1024Mi' } } } }),
  },
  {
    what: 'a MongoDB of your own instead',
    from: managed,
    to: spec({ mongodb: { external: { urlSecretRef: secret } } }),
  },
  {
    what: 'the autoscaler off, with a count',
    from: spec({ autoscaling: { enabled: true } }),
    to: spec({ autoscaling: { enabled: false }, replicas: 7 }),
  },
  {
    what: 'the autoscaler on',
    from: spec({ autoscaling: { enabled: false }, replicas: 7 }),
    to: spec({ autoscaling: { enabled: true } }),
  },
  { what: 'back to a managed one', from: spec({ redis: { external: { host: 'redis' } } }), to: managed },
]
