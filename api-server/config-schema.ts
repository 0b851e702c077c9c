import Type, { type Static } from 'typebox'
import { clientListPattern } from './plugins/app/oauth-clients/oauth-client.ts'

/** A length of time: a whole number and s, m, h or d. */
const duration = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,6}[smhd]$',
    default: fallback,
    description: `${description}: like 90s, 15m, 24h, 7d`,
  })

/** How many in which time: `100/s`, `10/m`, `5/h`. */
const rate = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,6}/[smh]$',
    default: fallback,
    description: `${description}: like 100/s, 10/m, 5/h`,
  })

/** RATE_LIMIT_LOGIN unless it is set. */
const optionalRate = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[1-9]\\d{0,6}/[smh]$',
      description: `${description}: like 100/s, 10/m, 5/h; as RATE_LIMIT_LOGIN unless set`,
    }),
  )

const whole = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback, description: `${description}: ${minimum} to ${maximum}` })

const flag = (description: string, fallback: boolean) =>
  Type.Boolean({ default: fallback, description: `${description}: true or false` })

const text = (description: string, fallback?: string) =>
  Type.String({ minLength: 1, description, ...(fallback !== undefined && { default: fallback }) })

/** A page that gets a token: best behind a `#`, which browsers do not send to servers. */
const linkTemplate = (description: string) =>
  Type.String({
    pattern: '^https?://[^\\s]*\\{token\\}[^\\s]*$',
    description: `${description}, with {token} in it: like https://app.example.com/page#token={token}`,
  })

/** Every variable that the server reads; the descriptions become docs/server/configuration.md. */
export const EnvironmentSchema = Type.Object({
  ENVIRONMENT: Type.Enum(['development', 'staging', 'production'], {
    default: 'production',
    description: 'what the server is used for: development, staging or production; production refuses unsafe settings',
  }),
  PORT: whole('port of the API', 8080, 0, 65_535),
  METRICS_PORT: whole('port of metrics and probes', 9090, 0, 65_535),
  HOST: text('address to listen on', '0.0.0.0'),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe log level that is written: trace, debug, info, warn, error or fatal',
  }),
  LOG_REQUESTS: Type.Optional(
    Type.Enum(['all', 'failed', 'none'], {
      description:
        'which answers get a log line: all, failed (500 and above) or none; unless set, failed in production and all elsewhere',
    }),
  ),
  MONGODB_URL: Type.String({
    pattern: '^mongodb(\\+srv)?://',
    description: 'connection string of MongoDB: mongodb://…',
  }),
  DATABASE_NAME: Type.String({
    pattern: '^[A-Za-z0-9_-]{1,63}$',
    default: 'auth',
    description: 'database: 1 to 63 letters, digits, - and _',
  }),
  COLLECTION_NAME: Type.String({
    pattern: '^[A-Za-z0-9_.-]{1,120}$',
    default: 'users',
    description: 'collection of the users',
  }),
  MONGODB_MIN_POOL_SIZE: whole('connections to MongoDB that are kept open', 10, 0, 500),
  MONGODB_MAX_POOL_SIZE: whole('most connections to MongoDB', 50, 1, 1000),
  MONGODB_READ_PREFERENCE: Type.Enum(['primary', 'primaryPreferred', 'secondaryPreferred', 'nearest'], {
    default: 'primary',
    description: 'where reads that may be stale go: primary, primaryPreferred, secondaryPreferred or nearest',
  }),
  MONGODB_CA_FILE: Type.Optional(text('file with the authority of the certificate of MongoDB, PEM')),
  ALLOW_INSECURE_MONGODB: flag('allow plain-text MongoDB on another host in production', false),
  REDIS_HOST: text('host of Redis', '127.0.0.1'),
  REDIS_PORT: whole('port of Redis', 6379, 1, 65_535),
  REDIS_PASSWORD: Type.Optional(text('password of Redis')),
  REDIS_KEY_PREFIX: Type.Optional(
    Type.String({
      pattern: '^[\\w.:/-]{1,200}$',
      description:
        'put before every key, so that several deployments can share one Redis: letters, digits and _ . : / -; DATABASE_NAME and a colon unless set',
    }),
  ),
  REDIS_TLS: flag('encrypt the connection to Redis', false),
  REDIS_CA_FILE: Type.Optional(text('file with the authority of the certificate of Redis, PEM')),
  JWT_KEYS_FILE: Type.Optional(text('file with the signing keys; read again whenever it changes')),
  JWT_SECRET: Type.Optional(text('one HS256 secret instead of JWT_KEYS_FILE: 32 random bytes at least')),
  EMAIL_HASH_SECRET: Type.Optional(
    text(
      'secret with which emails are hashed in logs; unless set, JWT_SECRET or one that the servers share in MongoDB',
    ),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'URL of an OpenTelemetry collector (OTLP over HTTP) that gets the traces; none unless set',
    }),
  ),
  OTEL_SERVICE_NAME: text('name of the service in traces', 'authservice'),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: 'part of the requests that are traced, unless the caller has decided: 0 to 1',
  }),
  OAUTH_CLIENTS: Type.Optional(
    Type.String({
      pattern: clientListPattern,
      description:
        'clients that may call /oauth/introspect and /oauth/revoke: id:SHA-256 of the secret in hex, separated by commas or lines',
    }),
  ),
  JWT_EXPIRES_IN_HOURS: whole('lifetime of an access token in hours, unless ACCESS_TOKEN_LIFETIME is set', 24, 1, 720),
  JWT_ISSUER: text('iss of the access tokens, an https URL in production', 'http://localhost:8080'),
  JWT_AUDIENCE: text('aud of the access tokens', 'authservice'),
  ACCESS_TOKEN_LIFETIME: Type.Optional(
    Type.String({ pattern: '^[1-9]\\d{0,6}[smhd]$', description: 'lifetime of an access token: like 15m' }),
  ),
  REFRESH_TOKEN_IDLE_LIFETIME: duration('a session that is not refreshed for so long ends', '7d'),
  REFRESH_TOKEN_ABSOLUTE_LIFETIME: duration('a session ends at the latest after', '30d'),
  BCRYPT_COST: whole('cost of a password hash', 12, 10, 15),
  PASSWORD_MIN_LENGTH: whole('bytes that a new password has at least', 12, 8, 72),
  PASSWORD_WORDS: Type.Optional(
    Type.String({
      pattern: '^[^,]{3,}(,[^,]{3,})*$',
      description:
        'words that a new password is not made of, such as the names of your organisation and its products: three characters at least each, separated by commas',
    }),
  ),
  REGISTRATION_DISCLOSURE: Type.Enum(['open', 'hidden'], {
    default: 'open',
    description: 'whether registering says that an email is taken: open, or hidden (always 202)',
  }),
  SMTP_URL: Type.Optional(
    Type.String({
      pattern: '^smtps?://',
      description:
        'SMTP server that sends the mails: smtp://user:password@host:587 or smtps://…; ?requireTLS=true insists on STARTTLS, ?ignoreTLS=true goes without; without SMTP_URL links go to the log in development and the routes that send mail answer 501 elsewhere',
    }),
  ),
  SMTP_USER: Type.Optional(text('user of the SMTP server, where SMTP_URL has none')),
  SMTP_PASSWORD: Type.Optional(text('password of that user')),
  SMTP_CA_FILE: Type.Optional(text('file with the authority of the certificate of the SMTP server, PEM')),
  MAIL_FROM: Type.Optional(text('sender of the mails: no-reply@example.com, or Name <no-reply@example.com>')),
  PASSWORD_RESET_URL: Type.Optional(linkTemplate('page of your application where a new password is chosen')),
  EMAIL_VERIFY_URL: Type.Optional(linkTemplate('page of your application where an email is confirmed')),
  PASSWORD_RESET_LIFETIME: duration('a link to choose a new password works for', '30m'),
  EMAIL_VERIFY_LIFETIME: duration('a link to confirm an email works for', '24h'),
  INITIAL_ADMIN_EMAIL: Type.Optional(text('email of the administrator that is made once, when the database is new')),
  INITIAL_ADMIN_PASSWORD: Type.Optional(text('password of that administrator')),
  SECURITY_EVENTS_RETENTION: duration('security events are kept in the database for', '90d'),
  REQUEST_TIMEOUT: duration('a request must have arrived within', '10s'),
  CORS_ORIGINS: Type.String({
    default: '',
    description: 'origins that browsers may call from, separated by commas; empty for none',
  }),
  CORS_CREDENTIALS: flag('browsers of CORS_ORIGINS may send cookies along, for COOKIE_MODE', false),
  COOKIE_MODE: flag('give browsers the refresh token in a cookie that no script can read, never in a body', false),
  COOKIE_SAME_SITE: Type.Enum(['strict', 'lax', 'none'], {
    default: 'strict',
    description: 'SameSite of the cookies: strict, lax, or none for pages of another site',
  }),
  RATE_LIMIT_PER_CLIENT: rate('requests of one address', '100/s'),
  RATE_LIMIT_BURST: whole('requests of one address beyond its rate at a time', 200, 0, 100_000),
  RATE_LIMIT_LOGIN: rate('log-ins of one address', '10/m'),
  RATE_LIMIT_LOGIN_ACCOUNT: optionalRate('log-ins to one account from devices that it does not know'),
  RATE_LIMIT_LOGIN_PAIR: optionalRate('log-ins of one address to one account'),
  RATE_LIMIT_LOGIN_KNOWN_DEVICE: optionalRate('log-ins to one account from the devices that it knows'),
  LOGIN_LOCK_AT_FAILURE: whole('failed log-ins of one address to one account until it is locked', 5, 1, 100),
  LOGIN_LOCK_FIRST: duration('the first lock, which each further failure doubles', '1s'),
  LOGIN_LOCK_LONGEST: duration('the longest lock', '15m'),
  LOGIN_FAILURE_MEMORY: duration('failed log-ins are forgotten after', '15m'),
  KNOWN_DEVICE_LIFETIME: duration('a device on which a user has logged in is known for', '180d'),
  RATE_LIMIT_REGISTER: rate('registrations of one address', '5/m'),
  RATE_LIMIT_REFRESH: rate('refreshes of one session', '30/m'),
  RATE_LIMIT_RESET: rate('password resets of one address', '5/h'),
  RATE_LIMIT_MAIL: rate('mails to one account', '5/h'),
  RATE_LIMIT_EMAIL_VERIFY: rate('confirmations of an email from one address', '20/m'),
  RATE_LIMIT_SENSITIVE: rate('changes of one account that ask for its password', '10/m'),
  RATE_LIMIT_PROFILE: rate('reads and changes that one user makes to their own account', '120/m'),
  RATE_LIMIT_ADMIN: rate('calls of one administrator', '600/m'),
  TRUST_PROXY_HOPS: whole('proxies in front whose X-Forwarded-For is believed', 0, 0, 10),
  REVOCATION_MAX_STALENESS: duration('tokens are verified without news of revocations for at most', '30s'),
  REVOCATION_WHEN_STALE: Type.Enum(['refuse', 'accept'], {
    default: 'refuse',
    description:
      'what becomes of a token when there was no news for REVOCATION_MAX_STALENESS: refuse (503), or accept (a token that was revoked meanwhile passes)',
  }),
  MIGRATE_ON_START: flag('create the indexes at the start instead of waiting for migrate.js', false),
  DOCS_ENABLED: Type.Optional(
    Type.Boolean({ description: 'serve /docs: true or false; unless set, everywhere but in production' }),
  ),
  REPLICAS: whole(
    'servers that share the limits, until Redis has counted them; each takes its part while Redis is away',
    1,
    1,
    1000,
  ),
  SHUTDOWN_DRAIN_SECONDS: whole('seconds that requests are still answered after SIGTERM', 5, 0, 60),
})

export type EnvironmentValues = Static<typeof EnvironmentSchema>

/** Variables that may come as a file: `<NAME>_FILE` has the path, the file has the value. */
export const secretVariables = [
  'MONGODB_URL',
  'REDIS_PASSWORD',
  'JWT_SECRET',
  'SMTP_URL',
  'SMTP_USER',
  'SMTP_PASSWORD',
  'INITIAL_ADMIN_PASSWORD',
  'OAUTH_CLIENTS',
  'EMAIL_HASH_SECRET',
] as const
