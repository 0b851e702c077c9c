import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const read = (environment: Record<string, string>) =>
  readConfig({
    ENVIRONMENT: 'development',
    MONGODB_URL: 'mongodb://127.0.0.1',
    JWT_SECRET: randomBytes(32).toString('base64url'),
    MFA_MODE: 'optional',
    MFA_SECRET: randomBytes(32).toString('base64url'),
    ...environment,
  })

test('the origins may be the domain, hosts below it, with ports, and localhost', () => {
  const origins = 'https://example.com, https://app.example.com,https://app.example.com:8443'
  expect(read({ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: origins }).webAuthn).toEqual({
    rpId: 'example.com',
    origins: ['https://example.com', 'https://app.example.com', 'https://app.example.com:8443'],
    allowedAaguids: undefined,
  })
  const local = read({ WEBAUTHN_RP_ID: 'localhost', WEBAUTHN_ORIGINS: 'http://localhost:3000,http://a.localhost' })
  expect(local.webAuthn?.origins).toEqual(['http://localhost:3000', 'http://a.localhost'])
})

test('pages of the OpenID provider may use passkeys without being listed, if browsers allow it on their host', () => {
  const passkeys = { WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://app.example.com' }
  const oidc = { ...passkeys, OIDC_CLIENTS_FILE: '/clients.json', OIDC_KEYS_FILE: '/keys.json' }
  const originsAt = (issuer: string) => read({ ...oidc, JWT_ISSUER: issuer }).webAuthn?.origins
  expect(originsAt('https://auth.example.com/base')).toEqual(['https://app.example.com', 'https://auth.example.com'])
  expect(originsAt('https://app.example.com')).toEqual(['https://app.example.com'])
  expect(originsAt('https://auth.example.org')).toEqual(['https://app.example.com'])
  expect(originsAt('http://auth.example.com')).toEqual(['https://app.example.com'])
  const withoutPages = { ...passkeys, JWT_ISSUER: 'https://auth.example.com' }
  expect(read(withoutPages).webAuthn?.origins).toEqual(['https://app.example.com'])
})

test('AAGUIDs are compared in lower case', () => {
  const { webAuthn } = read({
    WEBAUTHN_RP_ID: 'example.com',
    WEBAUTHN_ORIGINS: 'https://example.com',
    WEBAUTHN_AAGUIDS: '2FC0579F-8113-47EA-B116-BB5A8DB9202A, ee882879-721c-4913-9775-3dfcce97072a',
  })
  expect([...(webAuthn?.allowedAaguids ?? [])]).toEqual([
    '2fc0579f-8113-47ea-b116-bb5a8db9202a',
    'ee882879-721c-4913-9775-3dfcce97072a',
  ])
})

test.each([
  [{ WEBAUTHN_RP_ID: 'example.com' }, 'WEBAUTHN_RP_ID and WEBAUTHN_ORIGINS must be set together'],
  [{ WEBAUTHN_ORIGINS: 'https://example.com' }, 'WEBAUTHN_RP_ID and WEBAUTHN_ORIGINS must be set together'],
  [{ WEBAUTHN_AAGUIDS: '2fc0579f-8113-47ea-b116-bb5a8db9202a' }, 'WEBAUTHN_AAGUIDS requires WEBAUTHN_RP_ID'],
  [{ WEBAUTHN_RP_ID: '10.0.0.1', WEBAUTHN_ORIGINS: 'https://10.0.0.1' }, 'browsers accept no IP address'],
  [{ WEBAUTHN_RP_ID: 'com', WEBAUTHN_ORIGINS: 'https://example.com' }, 'which is no domain'],
  [{ WEBAUTHN_RP_ID: 'https://example.com', WEBAUTHN_ORIGINS: 'https://example.com' }, 'WEBAUTHN_RP_ID is "https://'],
  [{ WEBAUTHN_RP_ID: 'Example.com', WEBAUTHN_ORIGINS: 'https://example.com' }, 'WEBAUTHN_RP_ID is "Example.com"'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'example.com' }, 'which is no origin'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://example.com/login' }, 'which is no origin'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://example.com/' }, 'which is no origin'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: '*' }, 'which is no origin'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'http://example.com' }, 'on https:// pages only'],
  [{ WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://badexample.com' }, 'whose host is neither'],
  [{ WEBAUTHN_RP_ID: 'app.example.com', WEBAUTHN_ORIGINS: 'https://example.com' }, 'whose host is neither'],
  [
    { WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://example.com', WEBAUTHN_AAGUIDS: 'yubikey' },
    'WEBAUTHN_AAGUIDS is "yubikey"',
  ],
] satisfies [Record<string, string>, string][])('%o is refused: %s', (environment, message) => {
  expect(() => read(environment)).toThrow(message)
})
