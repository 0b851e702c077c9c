import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerEnvironment } from '@authservice-operator/contract/environment.ts'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { ConfigError } from './read-environment.ts'

const secret = 'kR4vQm0Zr8bXyT2nLw6sHc1pUe9aJfDgOiVtNq3xYzE'
const development: ServerEnvironment = {
  ENVIRONMENT: 'development',
  MONGODB_URL: 'mongodb://127.0.0.1',
  JWT_SECRET: secret,
  JWT_ISSUER: 'http://localhost:8080',
}
const production: ServerEnvironment = {
  ENVIRONMENT: 'production',
  MONGODB_URL: 'mongodb://db.example.com/?tls=true',
  JWT_SECRET: secret,
  JWT_ISSUER: 'https://auth.example.com',
  CORS_ORIGINS: 'https://app.example.com',
}

/** What is wrong with an environment, one problem a line. */
function problemsOf(environment: Record<string, string | undefined>): string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
}

test('the environments of these tests are good', () => {
  expect(problemsOf(development)).toEqual([])
  expect(problemsOf(production)).toEqual([])
})

test('an IPv6 address of Redis may stand in brackets, as in a URL, and one of MongoDB does', () => {
  const hosts = ['[fd00::7]', 'fd00::7', 'redis.example.com']
  expect(hosts.map((REDIS_HOST) => readConfig({ ...development, REDIS_HOST }).redis.host)).toEqual([
    'fd00::7',
    'fd00::7',
    'redis.example.com',
  ])
  const url = 'mongodb://[fd00::7]:27017,[fd00::8]:27017/?tls=true'
  expect(readConfig({ ...production, MONGODB_URL: url }).mongodb.url).toBe(url)
  expect(problemsOf({ ...production, MONGODB_URL: url.replace('?tls=true', '') })).toHaveLength(1)
})

test('every variable that is wrong or missing is named at once, with what it is and what was expected', () => {
  const problems = problemsOf({ ...development, MONGODB_URL: undefined, PORT: 'http', BCRYPT_COST: '3' })
  expect(problems).toHaveLength(3)
  expect(problems.sort()).toEqual([
    expect.stringMatching(/^BCRYPT_COST is "3"; expected: .*10 to/),
    expect.stringMatching(/^MONGODB_URL is not set; expected: .*MongoDB/),
    expect.stringMatching(/^PORT is "http"; expected: port of the API, 0 to 65535$/),
  ])
})

test('what is wrong with a secret is said without the secret', () => {
  const url = 'postgres://auth:hunter22@db.example.com'
  const short = 'a-short-secret'
  const problems = [
    ...problemsOf({ ...development, MONGODB_URL: url }),
    ...problemsOf({ ...development, JWT_SECRET: short }),
    ...problemsOf({ ...development, SMTP_URL: url, PORT: 'http' }),
  ].join('\n')
  expect(problems).toContain('MONGODB_URL is invalid; expected: ')
  expect(problems).toContain('JWT_SECRET ')
  expect(problems).toContain('SMTP_URL is invalid; expected: ')
  expect(problems).not.toMatch(/hunter22|a-short-secret/)
})

test('a server without a signing key, or with one that others know, does not start, and it is said how to make one', () => {
  for (const weak of [undefined, 'your-256-bit-secret', 'short', 'x'.repeat(64)]) {
    expect(problemsOf({ ...development, JWT_SECRET: weak })).toEqual([
      expect.stringMatching(/^(JWT_KEYS_FILE or )?JWT_SECRET .*generate one: node -e /),
    ])
  }
})

test('a secret may come from a file, and a file that is not there is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'authservice-config-'))
  try {
    const file = join(folder, 'jwt-secret')
    writeFileSync(file, `${secret}\n`)
    const withFile = { ...development, JWT_SECRET: undefined, JWT_SECRET_FILE: file }
    expect(readConfig(withFile)).toEqual(readConfig(development))
    const missing = join(folder, 'missing')
    expect(problemsOf({ ...withFile, JWT_SECRET_FILE: missing }).join('\n')).toContain(
      `JWT_SECRET_FILE: ${missing} cannot be read (ENOENT`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('production reaches a Redis on another host in plain text only where that is allowed by name', () => {
  const plain = { ...production, REDIS_HOST: 'redis.example.com', REDIS_TLS: 'false' }
  expect(problemsOf(plain)).toEqual([
    expect.stringMatching(/^REDIS_HOST is another host, and the connection is not encrypted/),
  ])
  expect(problemsOf({ ...plain, ALLOW_INSECURE_REDIS: 'true' })).toEqual([])
  expect(problemsOf({ ...plain, REDIS_TLS: 'true' })).toEqual([])
})

test('production refuses what its checklist forbids, all of it at once', () => {
  const unsafe = {
    ...production,
    CORS_ORIGINS: 'https://app.example.com, *',
    JWT_ISSUER: 'http://auth.example.com',
    MONGODB_URL: 'mongodb://db.example.com',
    REDIS_HOST: 'redis.example.com',
    PASSWORD_RESET_URL: 'http://app.example.com/reset#{token}',
  }
  expect(problemsOf(unsafe).map((line) => line.split(' ', 1)[0])).toEqual([
    'CORS_ORIGINS',
    'JWT_ISSUER',
    'PASSWORD_RESET_URL',
    'MONGODB_URL',
    'REDIS_HOST',
  ])
  expect(problemsOf({ ...unsafe, ENVIRONMENT: 'staging' })).toEqual([])
})

test('links of mails lead to pages of the OpenID provider where the application has none', () => {
  const oidc = { OIDC_CLIENTS_FILE: '/clients.json', OIDC_KEYS_FILE: '/keys.json' }
  const mailing = { ...development, ...oidc, SMTP_URL: 'smtp://mail.example.com', MAIL_FROM: 'no-reply@example.com' }
  expect(problemsOf(mailing)).toEqual([])
  const { issuer, mail } = readConfig(mailing)
  expect(mail.resetUrl).toBe(`${issuer}/account/reset-password?token={token}`)
  expect(mail.verifyUrl).toBe(`${issuer}/account/verify-email?token={token}`)
  const own = readConfig({ ...mailing, EMAIL_VERIFY_URL: 'https://app.example.com/verify#{token}' })
  expect(own.mail.verifyUrl).toBe('https://app.example.com/verify#{token}')
})

test.each([
  [{ MONGODB_MIN_POOL_SIZE: '60', MONGODB_MAX_POOL_SIZE: '50' }, 'MONGODB_MIN_POOL_SIZE (60) exceeds'],
  [{ ACCESS_TOKEN_CLAIMS: 'roles,sub' }, 'ACCESS_TOKEN_CLAIMS: sub is a registered or reserved claim'],
  [{ ACCESS_TOKEN_LIFETIME: '8d' }, 'ACCESS_TOKEN_LIFETIME exceeds REFRESH_TOKEN_IDLE_LIFETIME'],
  [{ REFRESH_TOKEN_IDLE_LIFETIME: '31d' }, 'REFRESH_TOKEN_IDLE_LIFETIME exceeds'],
  [{ CORS_CREDENTIALS: 'true', CORS_ORIGINS: '*' }, 'name the origins, which cookies require'],
  [{ MFA_MODE: 'optional' }, 'which requires MFA_KEYS_FILE or MFA_SECRET'],
  [{ MFA_MODE: 'optional', MFA_SECRET: 'short' }, 'MFA_SECRET has 5 bytes'],
  [{ MFA_MODE: 'optional', MFA_TOTP: 'false' }, 'recovery codes alone are none. Set WEBAUTHN_RP_ID, or MFA_TOTP=true'],
  [{ MFA_MODE: 'required', MFA_TOTP: 'false' }, 'so users could add no second factor'],
  [{ MFA_TOTP: 'no' }, 'MFA_TOTP is "no"'],
  [{ MFA_TOKEN_LIFETIME: '16m' }, 'MFA_TOKEN_LIFETIME exceeds 15m'],
  [{ MFA_MODE: 'required' }, 'which requires MFA_KEYS_FILE or MFA_SECRET'],
  [{ MFA_REQUIRED_ROLES: 'admin' }, 'set MFA_MODE=optional, or remove MFA_REQUIRED_ROLES'],
  [{ MFA_MODE: 'required', MFA_REQUIRED_ROLES: 'admin' }, 'MFA_REQUIRED_ROLES is set, and MFA_MODE is "required"'],
  [{ MFA_MODE: 'optional', MFA_REQUIRED_ROLES: 'root' }, 'MFA_REQUIRED_ROLES is "root"'],
  [{ MFA_MODE: 'optional', MFA_GRACE_PERIOD: '14d' }, 'no second factor is required'],
  [{ MFA_MODE: 'required', MFA_GRACE_PERIOD: '91d' }, 'MFA_GRACE_PERIOD exceeds 90d'],
  [{ MFA_REMEMBER_DEVICE: '31d' }, 'MFA_REMEMBER_DEVICE exceeds 30d'],
  [{ TRUSTED_PROXIES: '10.0.0.0/8' }, 'TRUST_PROXY_HOPS is 0'],
  [{ TRUST_PROXY_HOPS: '1', TRUSTED_PROXIES: '10.0.0.0/8, pods' }, 'TRUSTED_PROXIES contains "pods"'],
  [{ INITIAL_ADMIN_EMAIL: 'root@example.com' }, 'must be set together'],
  [{ SMTP_URL: 'smtp://mail.example.com' }, 'MAIL_FROM is not set: SMTP_URL requires it'],
])('settings that contradict each other are refused: %o', (change, expected) => {
  expect(problemsOf({ ...development, ...change }).join('\n')).toContain(expected)
})
