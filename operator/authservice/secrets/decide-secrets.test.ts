import { createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { decideSecrets, systemSources } from './decide-secrets.ts'
import { decodeSecretData, encodeSecretData, type SecretData } from './secret-data.ts'

const now = new Date('2026-11-24T12:00:00.500Z')
const metadata = { name: 'accounts', namespace: 'team-a' }

function decide(
  change: Partial<AuthServiceSpec> = {},
  existing: ReadonlyMap<string, SecretData> = new Map(),
  at = now,
) {
  const resolved = resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, ...change } })
  return decideSecrets({
    metadata,
    resolved,
    existing,
    asked: new Map(),
    rotatedBy: undefined,
    passwords: { databasesDone: false, podsDone: false },
    loadedKeys: undefined,
    now: at,
  })
}

const asMap = (secrets: readonly { name: string; data: SecretData }[]) =>
  new Map(secrets.map(({ name, data }) => [name, data]))

describe('decideSecrets', () => {
  test('makes everything once, and the next visit changes no byte', async () => {
    const first = await decide()
    expect(first.secrets.map(({ name, data }) => [name, Object.keys(data).sort()])).toEqual([
      ['accounts-keys', ['keys.json']],
      ['accounts-redis', ['password']],
      ['accounts-mongodb', ['admin-password', 'app-password', 'keyfile', 'url']],
      ['accounts-email-hash', ['secret']],
      ['accounts-edge-tls', ['ca.crt', 'tls.crt', 'tls.key']],
    ])
    expect(first.changes).toHaveLength(5)

    const second = await decide({}, asMap(first.secrets), new Date(now.getTime() + 3_600_000))
    expect(second).toMatchObject({ secrets: first.secrets, changes: [], findings: [] })
  })

  test('a database keeps its passwords when another one of the Secret is lost', async () => {
    const first = await decide()
    const existing = asMap(first.secrets)
    const { 'app-password': lost, ...rest } = existing.get('accounts-mongodb') ?? {}
    const { secrets, changes } = await decide({}, new Map([...existing, ['accounts-mongodb', rest]]))
    const after = asMap(secrets).get('accounts-mongodb')
    expect(after?.['admin-password']).toBe(rest['admin-password'])
    expect(after?.['app-password']).not.toBe(lost)
    expect(after?.['url']).toContain(after?.['app-password'])
    expect(changes).toEqual([{ name: 'accounts-mongodb', why: 'app-password was missing' }])
  })

  test('makes none for what somebody else runs', async () => {
    const { secrets } = await decide({
      environment: 'staging',
      mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' } } },
      redis: { external: { host: 'redis.example.com' } },
      tokens: { signingKeys: { secretRef: { name: 'k', key: 'keys.json' } } },
      ingress: { host: 'auth.example.com', tls: { secretName: 'tls' } },
    })
    // What emails are hashed with is nobody else's.
    expect(secrets.map(({ name }) => name)).toEqual(['accounts-email-hash'])
  })

  test('a key set that cannot be read stalls, says what to do, and stays', async () => {
    const broken = new Map([['accounts-keys', { 'keys.json': '{"version":2}', note: 'x' }]])
    const { secrets, findings, changes } = await decide({}, broken)
    expect(secrets[0]?.data).toEqual(broken.get('accounts-keys'))
    expect(findings).toMatchObject([{ kind: 'stall', condition: 'SecretsReady', reason: 'KeySetInvalid' }])
    expect(findings[0]?.message).toMatch(/accounts-keys has a keys.json that cannot be used: .* Restore it/)
    expect(changes.map(({ name }) => name)).not.toContain('accounts-keys')
  })

  test('the URL names the member, the replica set and the user, and the password needs no escaping', async () => {
    const { secrets } = await decide({ mongodb: { managed: {}, database: 'accounts' } })
    const { url = '', 'app-password': password } = asMap(secrets).get('accounts-mongodb') ?? {}
    expect(url).toBe(
      `mongodb://auth:${password}@accounts-mongodb-0.accounts-mongodb.team-a.svc:27017/accounts?replicaSet=rs0&authSource=admin`,
    )
  })

  test('looks again when the first of the dates comes', async () => {
    const { nextChangeAt } = await decide()
    expect(nextChangeAt?.toISOString()).toBe('2027-02-22T11:55:00.500Z')
  })
})

describe('the certificate of the edge', () => {
  const tls = async (...input: Parameters<typeof decide>) =>
    asMap((await decide(...input)).secrets).get('accounts-edge-tls') ?? {}

  test('is for the host, signed by its authority, and its key fits', async () => {
    const data = await tls({ ingress: { host: 'auth.localhost' } })
    const leaf = new X509Certificate(data['tls.crt'] ?? '')
    const authority = new X509Certificate(data['ca.crt'] ?? '')
    expect(leaf.checkHost('auth.localhost')).toBe('auth.localhost')
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true)
    expect(leaf.publicKey.equals(createPublicKey(data['tls.key'] ?? ''))).toBe(true)
    expect(authority.ca && !leaf.ca).toBe(true)
    expect(data['ca.crt']).not.toContain('PRIVATE')
  })

  test.each([
    [
      'another host',
      { ingress: { host: 'other.localhost' } },
      0,
      'it is for accounts.localhost, not for other.localhost',
    ],
    ['its end is near', {}, 336, 'it ends soon'],
    ['it expired', {}, 400, 'it expired on 2027-11-24'],
  ])('is made anew when %s', async (_, change, days, why) => {
    const existing = asMap((await decide()).secrets)
    const { changes } = await decide(change, existing, new Date(now.getTime() + days * 86_400_000))
    expect(changes.find(({ name }) => name === 'accounts-edge-tls')?.why).toBe(why)
  })

  test.each([{ 'tls.crt': 'x', 'tls.key': 'x', 'ca.crt': 'x' }, { 'tls.crt': 'x' }])(
    'is made anew when it is broken',
    async (data) => {
      expect((await tls({}, new Map([['accounts-edge-tls', data]])))['tls.crt']).toContain('BEGIN CERTIFICATE')
    },
  )
})

test('Secret data survives encoding', () => {
  const data = { password: 'ä"\n', empty: '' }
  expect(decodeSecretData(encodeSecretData(data))).toEqual(data)
  expect(systemSources.random(4)).toHaveLength(4)
})
