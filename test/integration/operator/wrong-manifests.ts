/**
 * A spec that the API server rejects: the problem, the fields that override a valid spec, and a part of the error
 * message.
 */
type WrongSpec = readonly [what: string, fields: object, says: string]
type WrongName = readonly [what: string, name: string, says: string]

/** A manifest that the API server rejects, and a part of the error message. */
export interface WrongManifest {
  what: string
  name: string
  spec: object
  says: string
}

const managed = { environment: 'development', mongodb: {}, redis: {} }
const production = { ...managed, environment: 'production', tokens: { issuer: 'https://auth.example.com' } }
const spec = (fields: object) => ({ ...managed, ...fields })
const secret = { name: 'a', key: 'b' }

const secondFactors: readonly WrongSpec[] = [
  [
    'roles that must have a second factor, although every user must',
    { mfa: { mode: 'Required', requiredRoles: ['admin'] } },
    'requiredRoles applies only to the mode Optional: write mode: Optional, or remove requiredRoles',
  ],
  [
    'a grace period without second factors',
    { mfa: { gracePeriod: '14d' } },
    'gracePeriod has no effect while second factors are disabled: write a mode, or remove gracePeriod',
  ],
  ['a grace period of a year', { mfa: { mode: 'Required', gracePeriod: '365d' } }, 'write a duration from 1h to 90d'],
  ['a role that does not exist', { mfa: { mode: 'Optional', requiredRoles: ['root'] } }, 'Unsupported value: "root"'],
  ['Off, which YAML reads as false', { mfa: { mode: false } }, 'spec.mfa.mode'],
  ['a service name with a colon', { mfa: { serviceName: 'a:b' } }, 'spec.mfa.serviceName'],
  [
    'a key of second factors that is replaced every day',
    { mfa: { encryptionKeys: { rotationInterval: '1d' } } },
    'write a duration from 7d to 730d',
  ],
]

const withPasskeys = (passkeys: object, fields: object = { ingress: { host: 'auth.example.com' } }) => ({
  mfa: { mode: 'Optional', passkeys: { enabled: true, ...passkeys } },
  ...fields,
})
const noDomain = 'passkeys need a domain, which is neither an IP address nor a single word such as com: write '
const notAbove = 'mfa.passkeys.rpID must be ingress.host or a domain above it'
const outside = 'browsers refuse passkeys on pages outside of mfa.passkeys.rpID'
const notSecure = 'browsers offer passkeys on HTTPS pages only, and on localhost: write https://'
const withPort = 'browsers omit the default port, and 65535 is the highest one'

const passkeys: readonly WrongSpec[] = [
  [
    'passkeys without second factors',
    { mfa: { passkeys: { enabled: true } }, ingress: { host: 'auth.example.com' } },
    'passkeys need second factors: write mode: Optional or Required, or passkeys.enabled: false',
  ],
  [
    'passkeys of a server without a host',
    withPasskeys({}, { tokens: { issuer: 'https://auth.example.com' } }),
    'write ingress.host, the host name that clients use',
  ],
  ['passkeys of an IP address', withPasskeys({}, { ingress: { host: '10.0.0.1' } }), `${noDomain}ingress.host`],
  ['passkeys of a host without a domain', withPasskeys({}, { ingress: { host: 'auth' } }), `${noDomain}ingress.host`],
  ['passkeys of all domains below com', withPasskeys({ rpID: 'com' }), `${noDomain}one such as example.com`],
  ['passkeys of a part of an IP address', withPasskeys({ rpID: '0.1' }), `${noDomain}one such as example.com`],
  ['passkeys of another domain', withPasskeys({ rpID: 'example.org' }), notAbove],
  ['passkeys of a domain with the same end', withPasskeys({ rpID: 'ample.com' }), notAbove],
  ['passkeys of a domain below the host', withPasskeys({ rpID: 'my.auth.example.com' }), notAbove],
  ['passkeys of a URL', withPasskeys({ rpID: 'https://example.com' }), 'spec.mfa.passkeys.rpID'],
  ['a page of passkeys beside the host', withPasskeys({ origins: ['https://app.example.com'] }), outside],
  [
    'a page of passkeys on a domain with the same end',
    withPasskeys({ rpID: 'example.com', origins: ['https://example.com', 'https://badexample.com'] }),
    outside,
  ],
  ['a page of passkeys without HTTPS', withPasskeys({ origins: ['http://auth.example.com'] }), notSecure],
  [
    'a page of passkeys with a path',
    withPasskeys({ origins: ['https://auth.example.com/'] }),
    'spec.mfa.passkeys.origins',
  ],
  ['a page of passkeys with the default port', withPasskeys({ origins: ['https://auth.example.com:443'] }), withPort],
  [
    'a page of passkeys with an impossible port',
    withPasskeys({ origins: ['https://auth.example.com:65536'] }),
    withPort,
  ],
  ['no page of passkeys', withPasskeys({ origins: [] }), 'spec.mfa.passkeys.origins'],
  ['a model of authenticators by its name', withPasskeys({ allowedAAGUIDs: ['yubikey'] }), 'allowedAAGUIDs[0]'],
]

const provider = (fields: object) => ({ oidc: { enabled: true }, ...fields })
const openId: readonly WrongSpec[] = [
  ['an OpenID provider without an address', provider({}), 'write ingress.host, or tokens.issuer'],
  [
    'an OpenID provider without HTTPS',
    provider({ tokens: { issuer: 'http://auth.example.com' } }),
    'tokens.issuer is the HTTPS address that browsers use, without a path',
  ],
  [
    'an OpenID provider below a path',
    provider({ tokens: { issuer: 'https://example.com/auth' } }),
    'tokens.issuer is the HTTPS address that browsers use, without a path',
  ],
  [
    'an OpenID provider at a host of others',
    provider({ tokens: { issuer: 'https://auth.example.com' }, ingress: { host: 'auth.example' } }),
    'browsers go to tokens.issuer to log in, so it must have the host of ingress.host',
  ],
  [
    'an OpenID provider whose access tokens nobody can verify',
    provider({ tokens: { algorithm: 'HS256' }, ingress: { host: 'auth.example.com' } }),
    'applications cannot verify access tokens with HS256',
  ],
  [
    'clients of named namespaces without names',
    provider({ oidc: { enabled: true, clientNamespaces: { from: 'Names' } }, ingress: { host: 'auth.example.com' } }),
    'from: Names, and only this one, needs names: write both, or neither',
  ],
  [
    'names of namespaces that have no effect',
    { oidc: { clientNamespaces: { from: 'All', names: ['shops'] } } },
    'from: Names, and only this one, needs names: write both, or neither',
  ],
  ...['localhost', 'a.localhost', '127.0.0.1', '169.254.169.254', '0.0.0.0', '::1', 'fe80::1'].map(
    (host): WrongSpec => [
      `a receiver of logout tokens at ${host}`,
      { oidc: { backchannelLogout: { receivers: [{ host }] } } },
      'servers never send requests to their own pod, or to link-local addresses',
    ],
  ),
  [
    'a key of ID tokens that is replaced every day',
    { oidc: { signingKeys: { rotationInterval: '1d' } } },
    'write a duration from 7d to 730d',
  ],
]

const corp = { name: 'corp', issuer: 'https://id.example.com', clientID: 'auth', clientSecretRef: secret }
const withProvider = (fields: object) =>
  provider({ ingress: { host: 'auth.example.com' }, identityProviders: [{ ...corp, ...fields }] })
const mapping = (...roles: string[]) => ({ claim: 'groups', mappings: roles.map((role) => ({ value: 'team', role })) })
const identityProviders: readonly WrongSpec[] = [
  ['identity providers without pages', { identityProviders: [corp] }, 'write oidc.enabled: true'],
  [
    'an identity provider without an issuer',
    withProvider({ issuer: undefined }),
    'write issuer, such as https://id.example.com, or preset: Google or GitHub',
  ],
  ['an issuer of Google', withProvider({ preset: 'Google' }), 'the preset Google has an issuer: remove issuer'],
  ['an issuer without TLS', withProvider({ issuer: 'http://id.example.com' }), 'issuer'],
  [
    'forbidden passwords without domains',
    withProvider({ passwordLogin: false }),
    'passwordLogin: false applies to domains: write domains, or remove passwordLogin',
  ],
  ['scopes without openid', withProvider({ scopes: ['email'] }), 'add openid to scopes'],
  [
    'a second factor of GitHub',
    withProvider({ preset: 'GitHub', secondFactor: { amr: ['mfa'] } }),
    'GitHub does not say how a user logged in: remove secondFactor',
  ],
  [
    'application roles of GitHub',
    withProvider({ issuer: undefined, preset: 'GitHub', applicationRoles: mapping('viewer') }),
    'GitHub names no groups, and users write their profile themselves: remove applicationRoles',
  ],
  [
    'a role of accounts as an application role',
    withProvider({ applicationRoles: mapping('Admin') }),
    'admin and user are roles of accounts: write role.adminValues, or choose another name',
  ],
  [
    'an application role with a space',
    withProvider({ applicationRoles: mapping('orders approver') }),
    'spec.identityProviders[0].applicationRoles.mappings[0].role',
  ],
  [
    'application roles without a mapping',
    withProvider({ applicationRoles: mapping() }),
    'spec.identityProviders[0].applicationRoles.mappings',
  ],
  ['one mapping twice', withProvider({ applicationRoles: mapping('viewer', 'viewer') }), 'Duplicate value'],
]

const withPages = (pages: object) => provider({ ingress: { host: 'auth.example.com' }, pages })
const pages: readonly WrongSpec[] = [
  ['pages without an OpenID provider', { pages: { name: 'Acme' } }, 'only an OpenID provider has pages'],
  ['a logo of another host', withPages({ logo: { light: 'https://example.com/logo.png' } }), 'spec.pages.logo.light'],
  ['a logo without a light one', withPages({ logo: { dark: 'data:image/png;base64,AA==' } }), 'spec.pages.logo.light'],
  ['a colour by its name', withPages({ colors: { light: 'teal' } }), 'spec.pages.colors.light'],
  ['a link that is a script', withPages({ links: { help: 'javascript:alert(1)' } }), 'spec.pages.links.help'],
  ['a language that pages do not have', withPages({ languages: ['tlh'] }), 'spec.pages.languages[0]'],
  ['a language twice', withPages({ languages: ['de', 'de'] }), 'a language appears twice'],
  ['an empty text', withPages({ texts: { de: { 'login.title': '' } } }), 'spec.pages.texts.de'],
]

const passkeysOnly = { mode: 'Required', totp: { enabled: false }, passkeys: { enabled: true } }
const noFactor = 'users could add no second factor, because recovery codes alone are none'
const factorTypes: readonly WrongSpec[] = [
  ['second factors without any type', { mfa: { mode: 'Optional', totp: { enabled: false } } }, noFactor],
  [
    'required second factors without any type',
    { mfa: { mode: 'Required', totp: { enabled: false }, passkeys: { enabled: false } } },
    noFactor,
  ],
]

const databases: readonly WrongSpec[] = [
  [
    'no environment, which would have been one for development',
    { environment: undefined },
    'environment is required: write development, staging or production',
  ],
  [
    'production with a Redis in plain text',
    { ...production, redis: { external: { host: 'redis.example.com' } } },
    'production requires an encrypted connection to Redis: write redis.external.tls.enabled: true',
  ],
  [
    'production with a Redis whose encryption is switched off',
    { ...production, redis: { external: { host: 'redis.example.com', tls: { enabled: false } } } },
    'production requires an encrypted connection to Redis: write redis.external.tls.enabled: true',
  ],
  [
    'a Redis that is neither a name nor an address',
    { redis: { external: { host: '[fd00::1]' } } },
    'redis.external.host: Invalid value: "[fd00::1]"',
  ],
  ['no mongodb', { mongodb: undefined }, 'spec.mongodb: Required value'],
  ['no redis', { redis: undefined }, 'spec.redis: Required value'],
  [
    'both kinds of MongoDB',
    { mongodb: { managed: {}, external: { urlSecretRef: secret } } },
    'external and managed are mutually exclusive: write exactly one of them',
  ],
  [
    'neither kind of MongoDB, with settings for one',
    { mongodb: { database: 'auth' } },
    'write exactly one of external and managed: managed: {} for a database that the operator runs',
  ],
  [
    'both kinds of Redis',
    { redis: { managed: {}, external: { host: 'redis' } } },
    'external and managed are mutually exclusive: write exactly one of them',
  ],
  ['external MongoDB without a URL', { mongodb: { external: {} } }, 'urlSecretRef: Required value'],
  [
    'a URL Secret without a key',
    { mongodb: { external: { urlSecretRef: { name: 'a' } } } },
    'urlSecretRef.key: Required value',
  ],
  [
    "MongoDB's own database",
    { mongodb: { managed: {}, database: 'admin' } },
    'admin, local and config are reserved by MongoDB: write another name, such as auth',
  ],
  ['a database with a dot', { mongodb: { managed: {}, database: 'a.b' } }, 'mongodb.database: Invalid value: "a.b"'],
  [
    "MongoDB's own collection",
    { mongodb: { managed: {}, usersCollection: 'system.users' } },
    'names that begin with system. are reserved by MongoDB: write another name, such as users',
  ],
  [
    'a pool whose least is over its most',
    { mongodb: { managed: {}, pool: { minSize: 20, maxSize: 10 } } },
    'pool.minSize exceeds pool.maxSize: write a minSize of at most maxSize',
  ],
  [
    'an empty pool',
    { mongodb: { managed: {}, pool: { maxSize: 0 } } },
    'maxSize in body should be greater than or equal to 1',
  ],
  [
    'a pool larger than the server takes',
    { mongodb: { managed: {}, pool: { minSize: 501 } } },
    'minSize in body should be less than or equal to 500',
  ],
  [
    'an unknown read preference',
    { mongodb: { managed: {}, readPreference: 'secondary' } },
    'Unsupported value: "secondary": supported values: "primary", "primaryPreferred"',
  ],
  [
    'a size without a number',
    { mongodb: { managed: { storage: { size: 'big' } } } },
    'storage.size: Invalid value: "big"',
  ],
  ['external Redis without a host', { redis: { external: { port: 6379 } } }, 'external.host: Required value'],
  [
    'a URL where a host belongs',
    { redis: { external: { host: 'redis://redis.example.com' } } },
    'external.host: Invalid value',
  ],
  [
    'port 0 of Redis',
    { redis: { external: { host: 'redis', port: 0 } } },
    'port in body should be greater than or equal to 1',
  ],
  [
    'a Secret of another namespace',
    { redis: { external: { host: 'redis', passwordSecretRef: { name: 'other/secret', key: 'a' } } } },
    'passwordSecretRef.name: Invalid value: "other/secret"',
  ],
]

const mail = (change: object = {}, smtp: object = {}) => ({
  smtp: { host: 'smtp.example.com', ...smtp },
  from: 'no-reply@example.com',
  passwordResetURL: 'https://app.example.com/reset#token={token}',
  emailVerificationURL: 'https://app.example.com/verify#token={token}',
  ...change,
})

const mails: readonly WrongSpec[] = [
  ['mail without a server', { mail: mail({ smtp: undefined }) }, 'mail.smtp: Required value'],
  [
    'a URL where the host of SMTP belongs',
    { mail: mail({}, { host: 'smtp://smtp.example.com' }) },
    'smtp.host: Invalid value',
  ],
  [
    'an authority of nothing',
    { mail: mail({}, { encryption: 'None', caSecretRef: secret }) },
    'write encryption: StartTLS or TLS, or remove caSecretRef',
  ],
  [
    'a sender that would be two headers',
    { mail: mail({ from: 'a@example.com\nBcc: b@example.com' }) },
    'mail.from: Invalid value',
  ],
  ['a sender without an address', { mail: mail({ from: 'Accounts' }) }, 'mail.from: Invalid value: "Accounts"'],
  [
    'a link without its token',
    { mail: mail({ passwordResetURL: 'https://app.example.com/reset' }) },
    'mail.passwordResetURL: Invalid value',
  ],
  [
    'a link that a pod would expand',
    { mail: mail({ emailVerificationURL: 'https://$(HOSTNAME)/{token}' }) },
    'mail.emailVerificationURL: Invalid value',
  ],
  [
    'a link without a page',
    { mail: mail({ emailVerificationURL: undefined }) },
    'write mail.passwordResetURL and mail.emailVerificationURL, or oidc.enabled: true',
  ],
  [
    'a link that works for a minute',
    { mail: mail({ passwordResetLifetime: '1m' }) },
    'write a duration from 5m to 24h',
  ],
  [
    'a confirmation that works for a year',
    { mail: mail({ emailVerificationLifetime: '365d' }) },
    'write a duration from 5m to 30d',
  ],
  [
    'plain-text mail in production',
    { ...production, mail: mail({}, { encryption: 'None' }) },
    'write mail.smtp.encryption: StartTLS or TLS',
  ],
  [
    'a link to plain text in production',
    { ...production, mail: mail({ passwordResetURL: 'http://app.example.com/{token}' }) },
    'write mail.passwordResetURL and mail.emailVerificationURL as https://…',
  ],
]

const accounts: readonly WrongSpec[] = [
  [
    'an administrator without a password',
    { initialAdmin: { email: 'admin@example.com' } },
    'initialAdmin.passwordSecretRef: Required value',
  ],
  [
    'an administrator without an email',
    { initialAdmin: { email: 'admin', passwordSecretRef: secret } },
    'initialAdmin.email: Invalid value: "admin"',
  ],
  ['OAuth clients in plain sight', { oauth: { clients: 'shop:secret' } }, 'unknown field "spec.oauth.clients"'],
  [
    'cookies for every origin',
    { cookies: { enabled: true }, cors: { origins: ['*'] } },
    'write the origins of your pages in cors.origins, without *',
  ],
  [
    'a SameSite in small letters',
    { cookies: { sameSite: 'lax' } },
    'Unsupported value: "lax": supported values: "Strict", "Lax", "None"',
  ],
  [
    'a collector without a scheme',
    { tracing: { otlpEndpoint: 'collector:4318' } },
    'tracing.otlpEndpoint: Invalid value',
  ],
  [
    'more traces than requests',
    { tracing: { otlpEndpoint: 'http://collector:4318', samplePercent: 101 } },
    'samplePercent in body should be less than or equal to 100',
  ],
]

const abuse: readonly WrongSpec[] = [
  [
    'hidden registration without mail',
    { environment: 'staging', registration: { disclosure: 'Hidden' } },
    'write mail, or registration.disclosure: Open',
  ],
  [
    'a first lock longer than the longest',
    { lockout: { firstLock: '1h', longestLock: '5m' } },
    'firstLock must not be longer than longestLock: write a shorter one, such as 1s',
  ],
  ['a first lock of two days', { lockout: { firstLock: '2d' } }, 'from 1s to 24h'],
  ['a lock of a month', { lockout: { longestLock: '30d' } }, 'from 1s to 7d'],
  ['failures that are forgotten at once', { lockout: { forgetAfter: '1s' } }, 'from 1m to 7d'],
  ['a device that is known for a minute', { lockout: { knownDeviceLifetime: '1m' } }, 'from 1d to 730d'],
  ['no failure before the lock', { lockout: { failures: 0 } }, 'greater than or equal to 1'],
  ['a used refresh token that works for an hour', { tokens: { refreshTokenGrace: '1h' } }, 'from 1s to 60s'],
  ['news of revocations that are a week old', { tokens: { revocation: { maxStaleness: '7d' } } }, 'from 5s to 24h'],
  ['security events for an hour', { securityEvents: { retention: '1h' } }, 'from 1d to 3650d'],
  [
    'a log level that the server does not have',
    { logs: { level: 'Verbose' } },
    'Unsupported value: "Verbose": supported values: "Debug", "Info"',
  ],
  [
    'proxies before the Nginx that replaces what they say',
    { ingress: { type: 'Nginx', trustedProxyHops: 2 } },
    'remove trustedProxyHops, or write another type for your own proxies',
  ],
  [
    'networks of proxies before the Nginx that shows a secret',
    { ingress: { type: 'Nginx', trustedProxies: ['10.0.12.0/24'] } },
    'remove trustedProxies, or write another type for your own proxies',
  ],
  [
    'networks of proxies of which none is believed',
    { ingress: { type: 'None', trustedProxyHops: 0, trustedProxies: ['10.0.12.0/24'] } },
    'with trustedProxyHops: 0, no proxy is trusted',
  ],
  [
    'a network of proxies that is none',
    { ingress: { type: 'None', trustedProxies: ['10.0.12.0/40'] } },
    'write a network in CIDR notation',
  ],
]

const scaling: readonly WrongSpec[] = [
  [
    'a count beside the autoscaler of staging',
    { environment: 'staging', replicas: 3 },
    'the autoscaler sets replicas: remove it and write autoscaling.minReplicas, or write autoscaling.enabled: false',
  ],
  ['a count beside an autoscaler', { autoscaling: { enabled: true }, replicas: 3 }, 'write autoscaling.enabled: false'],
  [
    'fewest pods over most pods',
    { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } },
    'minReplicas exceeds maxReplicas: write a minReplicas of at most maxReplicas',
  ],
  [
    'an autoscaler that may go to zero',
    { autoscaling: { enabled: true, minReplicas: 0 } },
    'minReplicas in body should be greater than or equal to 1',
  ],
  [
    'a target over 100 percent',
    { autoscaling: { enabled: true, targetCPUUtilizationPercentage: 150 } },
    'should be less than or equal to 100',
  ],
  ['a negative count', { replicas: -1 }, 'replicas in body should be greater than or equal to 0'],
  ['a count in words', { replicas: 'three' }, 'must be of type integer'],
]

const rollout: readonly WrongSpec[] = [
  [
    'blue-green settings beside a rolling update',
    { rollout: { strategy: 'RollingUpdate', blueGreen: { promotion: 'Auto' } } },
    'rollout.blueGreen applies only to the strategy BlueGreen: write rollout.strategy: BlueGreen, or remove rollout.blueGreen',
  ],
  [
    'blue-green settings where development has rolling updates',
    { rollout: { blueGreen: { scaleDownDelaySeconds: 60 } } },
    'write rollout.strategy: BlueGreen, or remove rollout.blueGreen',
  ],
  [
    'an automatic delay of a manual promotion',
    { rollout: { strategy: 'BlueGreen', blueGreen: { promotion: 'Manual', autoPromoteAfterSeconds: 60 } } },
    'autoPromoteAfterSeconds needs promotion: Auto; remove it, or write promotion: Auto',
  ],
  [
    'a query without a bound',
    { rollout: { analysis: { prometheus: { query: 'up' } } } },
    'a query needs a bound: write min, max or both',
  ],
  [
    'a query whose bounds exclude each other',
    { rollout: { analysis: { prometheus: { query: 'up', min: 0.5, max: 0.25 } } } },
    'min must not be above max',
  ],
  [
    'a preview under the name of the live colour',
    {
      rollout: { strategy: 'BlueGreen', blueGreen: { previewHost: 'auth.example.com' } },
      ingress: { host: 'auth.example.com' },
    },
    'previewHost needs an ingress.type other than None',
  ],
  [
    'a preview where nothing stands in front',
    {
      rollout: { strategy: 'BlueGreen', blueGreen: { previewHost: 'preview.example.com' } },
      ingress: { type: 'None' },
    },
    'must differ from ingress.host: correct them, or remove previewHost',
  ],
  [
    'an update that may neither take away nor add',
    { rollout: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } },
    'maxUnavailable and maxSurge cannot both be 0: write maxSurge: 1 or more',
  ],
  [
    'no surge, where nothing may be missing by default',
    { rollout: { rollingUpdate: { maxSurge: '0%' } } },
    'maxUnavailable and maxSurge cannot both be 0',
  ],
  ['a surge in words', { rollout: { rollingUpdate: { maxSurge: 'half' } } }, 'maxSurge: Invalid value: "half"'],
  ['an unknown strategy', { rollout: { strategy: 'Recreate' } }, 'supported values: "RollingUpdate", "BlueGreen"'],
  [
    'a deadline of a second',
    { rollout: { progressDeadlineSeconds: 1 } },
    'progressDeadlineSeconds in body should be greater than or equal to 30',
  ],
  [
    'an error rate over 100 percent',
    { rollout: { analysis: { maxErrorRatePercent: 101 } } },
    'should be less than or equal to 100',
  ],
]

const tokens: readonly WrongSpec[] = [
  [
    'a registered claim as a custom one',
    { tokens: { accessTokenClaims: ['sub'] } },
    'a registered or reserved claim is not a custom one',
  ],
  [
    'production without an issuer',
    { environment: 'production' },
    'production requires an HTTPS issuer: write tokens.issuer: https://…',
  ],
  [
    'production with an HTTP issuer',
    { ...production, tokens: { issuer: 'http://auth.example.com' } },
    'production requires an HTTPS issuer: write tokens.issuer: https://…',
  ],
  ['an issuer that is no URL', { tokens: { issuer: 'auth.example.com' } }, 'tokens.issuer: Invalid value'],
  ['an unsigned token', { tokens: { algorithm: 'none' } }, 'supported values: "ES256", "EdDSA", "HS256"'],
  [
    'access longer than idle',
    { tokens: { accessTokenLifetime: '2h', refreshTokenIdleLifetime: '1h' } },
    'accessTokenLifetime is longer than refreshTokenIdleLifetime: the lifetimes must increase from access to idle to absolute, such as 15m, 7d, 30d',
  ],
  [
    'idle longer than absolute',
    { tokens: { refreshTokenIdleLifetime: '30d', refreshTokenAbsoluteLifetime: '7d' } },
    'refreshTokenIdleLifetime is longer than refreshTokenAbsoluteLifetime',
  ],
  [
    'access longer than absolute',
    { tokens: { accessTokenLifetime: '2h', refreshTokenAbsoluteLifetime: '1h' } },
    'accessTokenLifetime is longer than refreshTokenAbsoluteLifetime',
  ],
  [
    'an access token of a week',
    { tokens: { accessTokenLifetime: '7d' } },
    'out of bounds: write a duration from 1m to 24h',
  ],
  [
    'a duration without a unit',
    { tokens: { accessTokenLifetime: '900' } },
    'accessTokenLifetime: Invalid value: "900"',
  ],
  [
    'two units in a duration',
    { tokens: { accessTokenLifetime: '1h30m' } },
    'accessTokenLifetime: Invalid value: "1h30m"',
  ],
  [
    'an idle lifetime of a second',
    { tokens: { refreshTokenIdleLifetime: '1s' } },
    'out of bounds: write a duration from 5m to 365d',
  ],
  [
    'a session without an end',
    { tokens: { refreshTokenAbsoluteLifetime: '9999d' } },
    'out of bounds: write a duration from 5m to 730d',
  ],
  [
    'a new key every minute',
    { tokens: { signingKeys: { rotationInterval: '1m' } } },
    'out of bounds: write a duration from 1h to 730d',
  ],
  [
    'keys that sign before anybody can know them',
    { tokens: { signingKeys: { activationDelay: '10s' } } },
    'out of bounds: write a duration from 90s to 24h',
  ],
  [
    'keys that are replaced before they sign',
    { tokens: { signingKeys: { activationDelay: '2h', rotationInterval: '1h' } } },
    'activationDelay must be shorter than rotationInterval: write a shorter one, such as 5m',
  ],
  [
    'rotation of keys of your own',
    { tokens: { signingKeys: { secretRef: secret, rotationInterval: '30d' } } },
    'the operator does not rotate keys from secretRef: remove rotationInterval and activationDelay',
  ],
]

const security: readonly WrongSpec[] = [
  [
    'a cheap password hash',
    { passwords: { bcryptCost: 9 } },
    'below 10, a stolen hash is cheap to attack, and above 15, a login takes seconds: write 12, or 10 to 15',
  ],
  ['an endless password hash', { passwords: { bcryptCost: 16 } }, 'write 12, or 10 to 15'],
  [
    'a password longer than bcrypt reads',
    { passwords: { minLength: 73 } },
    'minLength in body should be less than or equal to 72',
  ],
  ['a rate without a unit', { rateLimits: { login: '10' } }, 'rateLimits.login: Invalid value: "10"'],
  ['a rate of a day', { rateLimits: { reset: '5/d' } }, 'rateLimits.reset: Invalid value: "5/d"'],
  [
    'every origin in production',
    { ...production, cors: { origins: ['*'] } },
    'production allows only HTTPS origins: write each of cors.origins as https://…, without *',
  ],
  [
    'an HTTP origin in production',
    { ...production, cors: { origins: ['http://app.example.com'] } },
    'production allows only HTTPS origins',
  ],
  [
    'every origin and another one',
    { cors: { origins: ['*', 'https://app.example.com'] } },
    '* allows every origin: write only *, or write the origins without it',
  ],
  ['an origin with a path', { cors: { origins: ['https://app.example.com/login'] } }, 'cors.origins[0]: Invalid value'],
  [
    'an origin twice',
    { cors: { origins: ['https://a.example.com', 'https://a.example.com'] } },
    'Duplicate value: "https://a.example.com"',
  ],
]

const ingress: readonly WrongSpec[] = [
  [
    'a Gateway without Gateways',
    { ingress: { type: 'Gateway' } },
    'type: Gateway requires a Gateway: write gateway.parentRefs',
  ],
  ...['nginx.ingress.kubernetes.io/configuration-snippet', 'nginx.org/server-snippets'].map(
    (key): WrongSpec => [
      `an Ingress with ${key}`,
      { ingress: { type: 'Ingress', ingress: { annotations: { [key]: 'return 200;' } } } },
      'snippets change a controller that others share',
    ],
  ),
  [
    'an issuer whose host would be configuration',
    { tokens: { issuer: 'https://a;internal' } },
    'tokens.issuer: Invalid value',
  ],
  ['an unknown ingress', { ingress: { type: 'Caddy' } }, 'supported values: "Nginx", "Ingress", "Gateway", "None"'],
  [
    'Nginx settings of another type',
    { ingress: { type: 'None', nginx: { replicas: 2 } } },
    'nginx applies only to type: Nginx; write that type, or remove nginx',
  ],
  [
    'Ingress settings of Nginx',
    { ingress: { ingress: { className: 'nginx' } } },
    'ingress applies only to type: Ingress; write that type, or remove ingress',
  ],
  [
    'Gateway settings of Nginx',
    { ingress: { gateway: { parentRefs: [{ name: 'gateway' }] } } },
    'gateway applies only to type: Gateway; write that type, or remove gateway',
  ],
  [
    'an issuer without a Secret to fill',
    { ingress: { tls: { issuerRef: { name: 'letsencrypt' } } } },
    'issuerRef needs a Secret for the certificate: add secretName',
  ],
  [
    'a node port without a node port Service',
    { ingress: { nginx: { serviceType: 'ClusterIP', nodePort: 30443 } } },
    'nodePort needs serviceType: NodePort or LoadBalancer; write one of them, or remove nodePort',
  ],
  ['a host with a path', { ingress: { host: 'auth.example.com/login' } }, 'ingress.host: Invalid value'],
  ['a host that would end an Nginx directive', { ingress: { host: 'a; return 200' } }, 'ingress.host: Invalid value'],
]

const pods: readonly WrongSpec[] = [
  [
    'a version and an image',
    { version: '1.0.0', image: 'a/b:1' },
    'version and image are mutually exclusive: keep version for a release, or image for a full reference',
  ],
  ['a version with a slash', { version: '1.0/2' }, 'spec.version: Invalid value'],
  ['an image with a space', { image: 'a/b :1' }, 'spec.image: Invalid value'],
  ['an unknown environment', { environment: 'prod' }, 'supported values: "development", "staging", "production"'],
  [
    "the operator's own label",
    { pod: { labels: { 'app.kubernetes.io/name': 'mine' } } },
    'the operator sets keys under app.kubernetes.io/ and auth-operator.dev/: use another prefix',
  ],
  [
    "the operator's own annotation",
    { pod: { annotations: { 'auth-operator.dev/restart': 'x' } } },
    'the operator sets keys under app.kubernetes.io/ and auth-operator.dev/: use another prefix',
  ],
  [
    'no time to drain',
    { pod: { terminationGracePeriodSeconds: 3 } },
    'terminationGracePeriodSeconds in body should be greater than or equal to 15',
  ],
  ['memory in words', { resources: { limits: { memory: 'lots' } } }, 'limits.memory: Invalid value: "lots"'],
  [
    'an empty peer',
    { networkPolicy: { allowFrom: [{}] } },
    'an empty entry allows nothing: write podSelector, namespaceSelector or both',
  ],
  ['a backup without a place', { backup: { schedule: '0 3 * * *' } }, 'backup.destination: Required value'],
  [
    'a schedule of four fields',
    { backup: { schedule: '0 3 * *', destination: { persistentVolumeClaim: { claimName: 'b' } } } },
    'backup.schedule: Invalid value',
  ],
  ['a field with a typing error', { replica: 3 }, 'unknown field "spec.replica"'],
  [
    'a host path',
    { pod: { volumes: [{ name: 'host', hostPath: { path: '/' } }] } },
    'unknown field "spec.pod.volumes"',
  ],
]

const names: readonly WrongName[] = [
  [
    'a name of 41 characters',
    'a'.repeat(41),
    'the name of an AuthService must have at most 40 characters, because names of children are longer: choose a shorter name',
  ],
  [
    'a name with a dot',
    'auth.example',
    'the name of an AuthService is also the name of Services: use lower-case letters, digits and -, begin with a letter, and use no dots',
  ],
  ['a name that starts with a digit', '1st', 'begin with a letter'],
]

/** Invalid when created. */
export const wrongManifests: readonly WrongManifest[] = [
  ...[
    databases,
    secondFactors,
    passkeys,
    factorTypes,
    openId,
    identityProviders,
    pages,
    mails,
    accounts,
    abuse,
    scaling,
    rollout,
    tokens,
    security,
    ingress,
    pods,
  ].flatMap((table) => table.map(([what, fields, says]) => ({ what, name: 'accounts', spec: spec(fields), says }))),
  ...names.map(([what, name, says]) => ({ what, name, spec: managed, says })),
]

/** Valid when created, and invalid as a change of an existing object. */
export const wrongChanges: readonly { what: string; from: object; to: object; says: string }[] = [
  {
    what: 'another domain of passkeys',
    from: spec(withPasskeys({})),
    to: spec(withPasskeys({ rpID: 'example.com' })),
    says: 'every passkey would stop working, because passkeys belong to mfa.passkeys.rpID (by default ingress.host)',
  },
  {
    what: 'another host, to which passkeys belong',
    from: spec(withPasskeys({})),
    to: spec(withPasskeys({}, { ingress: { host: 'login.example.com' } })),
    says: 'To change it nevertheless, first apply mfa.passkeys.enabled: false',
  },
  {
    what: 'another size of the volume of MongoDB',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { size: '20Gi' } } } }),
    says: 'managed.storage.size is immutable: write the current size. To get a larger volume, enlarge the PersistentVolumeClaim',
  },
  {
    what: 'another class of the volume of MongoDB',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { storageClassName: 'fast' } } } }),
    says: 'managed.storage.storageClassName is immutable, because the data would stay on the old volume: write the previous class',
  },
  {
    what: 'a MongoDB that becomes ephemeral',
    from: managed,
    to: spec({ mongodb: { managed: { storage: { ephemeral: true } } } }),
    says: 'managed.storage.ephemeral is immutable, because the data would be lost: write the previous value',
  },
  {
    what: 'another size of the volume of Redis',
    from: spec({ redis: { managed: { storage: { size: '2Gi' } } } }),
    to: spec({ redis: { managed: { storage: { size: '1Gi' } } } }),
    says: 'managed.storage.size is immutable',
  },
  {
    what: 'the autoscaler off without a count',
    from: spec({ autoscaling: { enabled: true } }),
    to: spec({ autoscaling: { enabled: false } }),
    says: 'replicas is required without an autoscaler: to keep the current number of pods, write the number that kubectl get authsvc shows',
  },
  {
    what: 'another environment without a count',
    from: spec({ environment: 'staging' }),
    to: spec({ environment: 'development' }),
    says: 'replicas is required without an autoscaler',
  },
]

/** Changes that are similar to the ones above and lose nothing. */
export const rightChanges: readonly { what: string; from: object; to: object }[] = [
  {
    what: 'passkeys of the host, written out',
    from: spec(withPasskeys({})),
    to: spec(withPasskeys({ rpID: 'auth.example.com' })),
  },
  {
    what: 'another host below the domain of passkeys',
    from: spec(withPasskeys({ rpID: 'example.com', origins: ['https://example.com', 'https://app.example.com:8443'] })),
    to: spec(withPasskeys({ rpID: 'example.com' }, { ingress: { host: 'login.example.com' } })),
  },
  {
    what: 'another domain while passkeys are off',
    from: spec(withPasskeys({ enabled: false })),
    to: spec(withPasskeys({ rpID: 'example.com' })),
  },
  {
    what: 'passkeys only, and then neither type while second factors are disabled',
    from: spec({ mfa: passkeysOnly, ingress: { host: 'auth.example.com' } }),
    to: spec({ mfa: { mode: 'Disabled', totp: { enabled: false } } }),
  },
  {
    what: 'an OpenID provider at a port of its host',
    from: managed,
    to: spec(provider({ tokens: { issuer: 'https://Auth.localhost:8443' }, ingress: { host: 'auth.localhost' } })),
  },
  {
    what: 'an OpenID provider behind a proxy of your own',
    from: managed,
    to: spec(provider({ tokens: { issuer: 'https://auth.example.com' }, ingress: { type: 'None' } })),
  },
  {
    what: 'passkeys on this machine',
    from: spec(
      withPasskeys({ rpID: 'localhost', origins: ['http://localhost:3000'] }, { ingress: { host: 'auth.localhost' } }),
    ),
    to: spec(withPasskeys({ rpID: 'localhost', origins: ['http://a.localhost'] }, { ingress: { host: 'localhost' } })),
  },
  {
    what: 'the highest number of pages and models',
    from: managed,
    to: spec(
      withPasskeys({
        rpID: 'example.com',
        origins: Array.from({ length: 64 }, (_, index) => `https://${'a'.repeat(200)}-${index}.example.com:8443`),
        allowedAAGUIDs: Array.from({ length: 64 }, (_, index) => `2fc0579f-8113-47ea-b116-0000000000${index + 10}`),
      }),
    ),
  },
  {
    what: 'a Redis in plain text in production, allowed by name',
    from: production,
    to: { ...production, redis: { external: { host: 'redis.example.com', allowInsecure: true } } },
  },
  {
    what: 'databases at IPv6 addresses',
    from: managed,
    to: spec({ redis: { external: { host: 'fd00::1' } }, tracing: { otlpEndpoint: 'http://[fd00::2]:4318' } }),
  },
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
  {
    what: 'back to a managed one',
    from: spec({ redis: { external: { host: 'redis' } } }),
    // Kubernetes 1.35 and earlier reject `redis: {}` here, if it is applied by server-side apply (docs/support.md).
    to: spec({ redis: { managed: { storage: { size: '1Gi' } } } }),
  },
]
