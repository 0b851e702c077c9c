import Type, { type Static } from 'typebox'
import { longestPasswordBytes } from './limits.ts'
import { clientListPattern } from './oauth-clients.ts'

/** A duration: a whole number and `s`, `m`, `h` or `d`. */
const duration = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,6}[smhd]$',
    default: fallback,
    description: `${description}, such as 90s, 15m, 24h or 7d`,
  })

/** A number in a unit of time: `100/s`, `10/m`, `5/h`. */
const rate = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,6}/[smh]$',
    default: fallback,
    description: `${description}, such as 100/s, 10/m or 5/h`,
  })

/** A rate that defaults to RATE_LIMIT_LOGIN. */
const optionalRate = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[1-9]\\d{0,6}/[smh]$',
      description: `${description}, such as 100/s, 10/m or 5/h; defaults to RATE_LIMIT_LOGIN`,
    }),
  )

const whole = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback, description: `${description}, ${minimum} to ${maximum}` })

const flag = (description: string, fallback: boolean) =>
  Type.Boolean({ default: fallback, description: `${description}: true or false` })

const text = (description: string, fallback?: string) =>
  Type.String({ minLength: 1, description, ...(fallback !== undefined && { default: fallback }) })

/** A page that gets a token. Put it after a `#`, which browsers do not send to servers. */
const linkTemplate = (description: string) =>
  Type.String({
    pattern: '^https?://[^\\s]*\\{token\\}[^\\s]*$',
    description: `${description}, with {token} in the URL, such as https://app.example.com/page#token={token}`,
  })

/**
 * Every variable that the server and its migrations read. The operator sets most of them. The descriptions become
 * docs/server/configuration.md.
 */
export const EnvironmentSchema = Type.Object({
  ENVIRONMENT: Type.Enum(['development', 'staging', 'production'], {
    default: 'production',
    description: 'purpose of the server: development, staging or production; production refuses unsafe settings',
  }),
  PORT: whole('port of the API', 8080, 0, 65_535),
  METRICS_PORT: whole('port of metrics and probes', 9090, 0, 65_535),
  HOST: Type.Optional(text('address to listen on; defaults to all IPv6 and IPv4 addresses')),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged: trace, debug, info, warn, error or fatal',
  }),
  LOG_REQUESTS: Type.Optional(
    Type.Enum(['all', 'failed', 'none'], {
      description:
        'requests that are logged: all, failed (status 500 and above) or none; defaults to failed in production, and to all elsewhere',
    }),
  ),
  MONGODB_URL: Type.String({
    pattern: '^mongodb(\\+srv)?://',
    description: 'connection string of MongoDB, mongodb://… or mongodb+srv://…',
  }),
  DATABASE_NAME: Type.String({
    pattern: '^[A-Za-z0-9_-]{1,63}$',
    default: 'auth',
    description: 'name of the MongoDB database: 1 to 63 letters, digits, - and _',
  }),
  COLLECTION_NAME: Type.String({
    pattern: '^[A-Za-z0-9_.-]{1,120}$',
    default: 'users',
    description: 'name of the collection of users',
  }),
  MONGODB_MIN_POOL_SIZE: whole('minimum number of connections to MongoDB', 10, 0, 500),
  MONGODB_MAX_POOL_SIZE: whole('maximum number of connections to MongoDB', 50, 1, 1000),
  MONGODB_READ_PREFERENCE: Type.Enum(['primary', 'primaryPreferred', 'secondaryPreferred', 'nearest'], {
    default: 'primary',
    description:
      'read preference for reads that may be stale: primary, primaryPreferred, secondaryPreferred or nearest',
  }),
  MONGODB_CA_FILE: Type.Optional(text('file with the CA certificates for MongoDB, in PEM')),
  ALLOW_INSECURE_MONGODB: flag('allow unencrypted connections to MongoDB on another host in production', false),
  REDIS_HOST: text('host of Redis: a name, or an IPv4 or IPv6 address', '127.0.0.1'),
  REDIS_PORT: whole('port of Redis', 6379, 1, 65_535),
  REDIS_PASSWORD: Type.Optional(text('password of Redis')),
  REDIS_KEY_PREFIX: Type.Optional(
    Type.String({
      pattern: '^[\\w.:/-]{1,200}$',
      description:
        'prefix of every key, so that several deployments can share one Redis: letters, digits and _ . : / -; defaults to DATABASE_NAME and a colon',
    }),
  ),
  REDIS_TLS: flag('encrypt the connection to Redis', false),
  ALLOW_INSECURE_REDIS: flag('allow unencrypted connections to Redis on another host in production', false),
  REDIS_CA_FILE: Type.Optional(text('file with the CA certificates for Redis, in PEM')),
  JWT_KEYS_FILE: Type.Optional(text('file with the signing keys; the server reloads it when it changes')),
  JWT_ACCEPTED_KEYS_FILE: Type.Optional(
    text(
      'file with keys that verify tokens but do not sign, such as earlier keys; the file may be missing, and the server reloads it when it changes',
    ),
  ),
  JWT_SECRET: Type.Optional(text('HS256 secret to use instead of JWT_KEYS_FILE: at least 32 random bytes')),
  EMAIL_HASH_SECRET: Type.Optional(
    text(
      'secret to hash emails in logs with; defaults to JWT_SECRET, or to a secret that the servers share in MongoDB',
    ),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description:
        'URL of the OpenTelemetry collector that receives traces (OTLP over HTTP); without it, there are no traces',
    }),
  ),
  OTEL_SERVICE_NAME: text('service name in traces', 'authservice'),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: 'share of requests that are traced if the caller has not decided, 0 to 1',
  }),
  OAUTH_CLIENTS: Type.Optional(
    Type.String({
      pattern: clientListPattern,
      description:
        'clients that may call /oauth/introspect and /oauth/revoke: ID, colon and SHA-256 of the secret in hex, separated by commas or line breaks',
    }),
  ),
  OIDC_CLIENTS_FILE: Type.Optional(
    text('JSON file with the clients of the OpenID provider, reloaded; without it, there is no OpenID provider'),
  ),
  OIDC_KEYS_FILE: Type.Optional(
    text('JSON file with the RS256 keys that sign ID tokens, reloaded; set it together with OIDC_CLIENTS_FILE'),
  ),
  PAGES_FILE: Type.Optional(
    text(
      'JSON file with the brand and the texts of the pages of the OpenID provider, reloaded; it needs OIDC_CLIENTS_FILE',
    ),
  ),
  IDENTITY_PROVIDERS_FILE: Type.Optional(
    text('JSON file with other providers at which users may log in, reloaded; needs OIDC_CLIENTS_FILE'),
  ),
  JWT_EXPIRES_IN_HOURS: whole('lifetime of an access token in hours if ACCESS_TOKEN_LIFETIME is not set', 24, 1, 720),
  JWT_ISSUER: text('issuer (iss) of access tokens, an https URL in production', 'http://localhost:8080'),
  JWT_AUDIENCE: text('audience (aud) of access tokens', 'authservice'),
  ACCESS_TOKEN_LIFETIME: Type.Optional(
    Type.String({ pattern: '^[1-9]\\d{0,6}[smhd]$', description: 'lifetime of an access token, such as 15m' }),
  ),
  ACCESS_TOKEN_CLAIMS: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z][A-Za-z0-9_.:/-]{0,63}(,[A-Za-z][A-Za-z0-9_.:/-]{0,63}){0,20}$',
      description:
        'roles and custom claims of users that access tokens of this API carry, and that verify passes on, separated by commas, such as roles,department',
    }),
  ),
  REFRESH_TOKEN_IDLE_LIFETIME: duration('time without a refresh after which a session ends', '7d'),
  REFRESH_TOKEN_ABSOLUTE_LIFETIME: duration('maximum lifetime of a session', '30d'),
  REFRESH_TOKEN_GRACE: duration('time for which a used refresh token still returns the current one, 1s to 60s', '10s'),
  BCRYPT_COST: whole('bcrypt cost of a password hash', 12, 10, 15),
  PASSWORD_MIN_LENGTH: whole('minimum length of a new password in bytes', 12, 8, longestPasswordBytes),
  PASSWORD_WORDS: Type.Optional(
    Type.String({
      pattern: '^[^,]{3,}(,[^,]{3,})*$',
      description:
        'words that a new password may not consist of, such as the names of your organisation and its products: at least three characters each, separated by commas',
    }),
  ),
  MFA_MODE: Type.Enum(['off', 'optional', 'required'], {
    default: 'off',
    description:
      'second factors: off, optional (users may enrol them, and a login then needs one), or required (every user must enrol one)',
  }),
  MFA_REQUIRED_ROLES: Type.Optional(
    Type.String({
      pattern: '^(admin|user)(,(admin|user))?$',
      description:
        'roles whose users must enrol a second factor although MFA_MODE is optional: admin, user or both, separated by a comma',
    }),
  ),
  MFA_GRACE_PERIOD: Type.Optional(
    Type.String({
      pattern: '^[1-9]\\d{0,6}[smhd]$',
      description:
        'time for which users who exist when a second factor becomes required need none yet, such as 14d, 90d at most; without it, they enrol at their next login',
    }),
  ),
  MFA_KEYS_FILE: Type.Optional(text('JSON file with the keys that encrypt secrets of second factors, reloaded')),
  MFA_SECRET: Type.Optional(
    text('secret that encrypts secrets of second factors, at least 32 bytes, if MFA_KEYS_FILE is not set'),
  ),
  MFA_SERVICE_NAME: Type.Optional(
    Type.String({
      pattern: '^[^:\\u0000-\\u001f]{1,64}$',
      description:
        'name of the service in authenticator apps, without a colon, at most 64 characters; defaults to the host of JWT_ISSUER',
    }),
  ),
  MFA_TOTP: flag(
    'allow users to enrol authenticator apps. If false, apps that users already have still work, and WEBAUTHN_RP_ID is required with MFA_MODE',
    true,
  ),
  MFA_TOKEN_LIFETIME: duration('time between the password and the second factor of a login', '5m'),
  MFA_STEP_UP_MAX_AGE: duration(
    'time after a second factor during which a user who has one may change credentials',
    '15m',
  ),
  MFA_REMEMBER_DEVICE: Type.Optional(
    Type.String({
      pattern: '^[1-9]\\d{0,6}[smhd]$',
      description:
        'time after a second factor during which the same device may log in with the password alone, if the user asks for it, at most 30d; if not set, every login needs the second factor',
    }),
  ),
  WEBAUTHN_RP_ID: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
      maxLength: 253,
      description:
        'domain that passkeys belong to, such as example.com: that of the pages which use them, or one above; without it, there are no passkeys. A change makes all passkeys useless',
    }),
  ),
  WEBAUTHN_ORIGINS: Type.Optional(
    text('origins of the pages that use passkeys, separated by commas, such as https://app.example.com'),
  ),
  WEBAUTHN_AAGUIDS: Type.Optional(
    Type.String({
      pattern:
        '^\\s*[\\dA-Fa-f]{8}(-[\\dA-Fa-f]{4}){3}-[\\dA-Fa-f]{12}\\s*(,\\s*[\\dA-Fa-f]{8}(-[\\dA-Fa-f]{4}){3}-[\\dA-Fa-f]{12}\\s*)*$',
      description:
        'AAGUIDs of the authenticators that users may add, separated by commas, such as 2fc0579f-8113-47ea-b116-bb5a8db9202a; without it, all',
    }),
  ),
  REGISTRATION_DISCLOSURE: Type.Enum(['open', 'hidden'], {
    default: 'open',
    description: 'whether a registration reveals that an email is taken: open, or hidden (always 202)',
  }),
  SMTP_URL: Type.Optional(
    Type.String({
      pattern: '^smtps?://',
      description:
        'SMTP server, smtp://user:password@host:587 or smtps://…; ?requireTLS=true requires STARTTLS and ?ignoreTLS=true does not use it. Without SMTP_URL, the server logs links in development, and routes that send mail answer 501 elsewhere',
    }),
  ),
  SMTP_USER: Type.Optional(text('user for the SMTP server, if SMTP_URL contains none')),
  SMTP_PASSWORD: Type.Optional(text('password of SMTP_USER')),
  SMTP_CA_FILE: Type.Optional(text('file with the CA certificates for the SMTP server, in PEM')),
  MAIL_FROM: Type.Optional(text('sender of mails, such as no-reply@example.com or Name <no-reply@example.com>')),
  PASSWORD_RESET_URL: Type.Optional(
    linkTemplate(
      'page of your application on which users choose a new password; with OIDC_CLIENTS_FILE, the default is a page of the server',
    ),
  ),
  EMAIL_VERIFY_URL: Type.Optional(
    linkTemplate(
      'page of your application on which users confirm an email; with OIDC_CLIENTS_FILE, the default is a page of the server',
    ),
  ),
  PASSWORD_RESET_LIFETIME: duration('validity of a link to choose a new password', '30m'),
  EMAIL_VERIFY_LIFETIME: duration('validity of a link to confirm an email', '24h'),
  INITIAL_ADMIN_EMAIL: Type.Optional(text('email of the administrator who is created once, in a new database')),
  INITIAL_ADMIN_PASSWORD: Type.Optional(text('password of that administrator')),
  SECURITY_EVENTS_RETENTION: duration('time for which the database keeps security events', '90d'),
  REQUEST_TIMEOUT: duration('time within which a request must have arrived completely', '10s'),
  CORS_ORIGINS: Type.String({
    default: '',
    description: 'origins from which browsers may call the API, separated by commas; empty for none',
  }),
  CORS_CREDENTIALS: flag('allow browsers on CORS_ORIGINS to send cookies, for COOKIE_MODE', false),
  COOKIE_MODE: flag('send refresh tokens in a cookie that scripts cannot read, and never in a body', false),
  COOKIE_SAME_SITE: Type.Enum(['strict', 'lax', 'none'], {
    default: 'strict',
    description: 'SameSite attribute of the cookies: strict, lax, or none for pages on another site',
  }),
  RATE_LIMIT_PER_CLIENT: rate('requests from one address', '100/s'),
  RATE_LIMIT_BURST: whole('burst of requests from one address beyond its rate', 200, 0, 100_000),
  RATE_LIMIT_LOGIN: rate('logins from one address', '10/m'),
  RATE_LIMIT_LOGIN_ACCOUNT: optionalRate('failed logins to one account from unknown devices'),
  RATE_LIMIT_LOGIN_PAIR: optionalRate('failed logins from one address to one account'),
  RATE_LIMIT_LOGIN_KNOWN_DEVICE: optionalRate('logins to one account from known devices'),
  LOGIN_LOCK_AT_FAILURE: whole(
    'failed logins from one address to one account after which the pair is locked',
    5,
    1,
    100,
  ),
  LOGIN_LOCK_FIRST: duration('duration of the first lock, which each further failure doubles', '1s'),
  LOGIN_LOCK_LONGEST: duration('maximum duration of a lock', '15m'),
  LOGIN_FAILURE_MEMORY: duration('time after which the server forgets failed logins', '15m'),
  KNOWN_DEVICE_LIFETIME: duration('time for which a device stays known after a login', '180d'),
  RATE_LIMIT_REGISTER: rate('registrations from one address, and three times that number a day', '5/m'),
  RATE_LIMIT_REFRESH: rate('refreshes of one session', '30/m'),
  RATE_LIMIT_RESET: rate('requests for password resets from one address', '5/h'),
  RATE_LIMIT_MAIL: rate('mails to one account', '5/h'),
  RATE_LIMIT_EMAIL_VERIFY: rate('invalid email confirmations from one address', '20/m'),
  RATE_LIMIT_SENSITIVE: rate('changes to one account that need its password', '10/m'),
  RATE_LIMIT_PROFILE: rate('requests of one user about their own account', '120/m'),
  RATE_LIMIT_ADMIN: rate('requests of one administrator', '600/m'),
  TRUST_PROXY_HOPS: whole(
    'number of proxies whose X-Forwarded-For is trusted. Identify them by TRUSTED_PROXIES or TRUSTED_PROXY_SECRET; otherwise, any client that reaches the server directly can choose the address that limits count',
    0,
    0,
    10,
  ),
  TRUSTED_PROXIES: Type.Optional(
    text(
      'networks that the proxies connect from, in CIDR notation, separated by commas, such as 10.0.0.0/24,2001:db8::/64',
    ),
  ),
  TRUSTED_PROXY_SECRET: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{16,256}$',
      description: 'value that the proxies send as X-Proxy-Secret: 16 to 256 printable characters without spaces',
    }),
  ),
  REVOCATION_MAX_STALENESS: duration('time for which tokens are accepted while revocations are unknown', '30s'),
  REVOCATION_WHEN_STALE: Type.Enum(['refuse', 'accept'], {
    default: 'refuse',
    description:
      'what happens to tokens after REVOCATION_MAX_STALENESS: refuse (503), or accept (including tokens that were revoked meanwhile)',
  }),
  MIGRATE_ON_START: flag('create the indexes at startup instead of waiting for migrate.js', false),
  DOCS_ENABLED: Type.Optional(
    Type.Boolean({
      description:
        'serve /docs and /openapi.json: true or false; defaults to false in production, and to true elsewhere',
    }),
  ),
  REPLICAS: whole(
    'number of servers that share the limits, until Redis has counted them; while Redis is unavailable, each enforces its share',
    1,
    1,
    1000,
  ),
  SHUTDOWN_DRAIN_SECONDS: whole('seconds for which the server continues to answer requests after SIGTERM', 5, 0, 60),
})

export type EnvironmentValues = Static<typeof EnvironmentSchema>

/** Variables that can be read from a file: `<NAME>_FILE` contains the path, and the file contains the value. */
export const secretVariables = [
  'MONGODB_URL',
  'REDIS_PASSWORD',
  'TRUSTED_PROXY_SECRET',
  'JWT_SECRET',
  'MFA_SECRET',
  'SMTP_URL',
  'SMTP_USER',
  'SMTP_PASSWORD',
  'INITIAL_ADMIN_PASSWORD',
  'OAUTH_CLIENTS',
  'EMAIL_HASH_SECRET',
] as const

type SecretVariable = (typeof secretVariables)[number]

/** The environment of the server in a Deployment: every value is text. */
export type ServerEnvironment = { [Name in keyof EnvironmentValues | `${SecretVariable}_FILE`]?: string }
