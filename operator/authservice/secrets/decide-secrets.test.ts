import { createPublicKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import { decodeSecretData, encodeSecretData, type SecretData } from '../model/secret-data.ts'
import { decideSecrets } from './decide-secrets.ts'
import { systemSources } from './system-sources.ts'

const now = new Date('2026-11-24T12:00:00.500Z')
const metadata = { name: 'accounts', namespace: 'team-a' }

function decide(
  change: Partial<AuthServiceSpec> = {},
  existing: ReadonlyMap<string, SecretData> = new Map(),
  at = now,
  { keysInUse = false, revoke = undefined as string | undefined } = {},
) {
  const resolved = resolveSpec({ metadata, spec: { mongodb: {}, redis: {}, ...change } })
  return decideSecrets(
    {
      metadata,
      resolved,
      existing,
      requested: new Map(revoke === undefined ? [] : [['revoke-key', revoke]]),
      rotatedBy: undefined,
      mfaKeysRotatedBy: undefined,
      oidcKeysRotatedBy: undefined,
      passwords: { databasesDone: false, podsDone: false },
      loadedKeys: undefined,
      oidcClients: undefined,
      identityProviders: undefined,
      keysInUse,
      now: at,
    },
    systemSources,
  )
}

const asMap = (secrets: readonly { name: string; data: SecretData }[]) =>
  new Map(secrets.map(({ name, data }) => [name, data]))

describe('decideSecrets', () => {
  test('creates everything once, and the next reconcile changes no byte', async () => {
    const first = await decide()
    expect(first.secrets.map(({ name, data }) => [name, Object.keys(data).sort()])).toEqual([
      ['accounts-keys', ['keys.json']],
      ['accounts-redis', ['origin', 'password']],
      ['accounts-mongodb', ['admin-password', 'app-password', 'keyfile', 'origin', 'url']],
      ['accounts-email-hash', ['secret']],
      ['accounts-edge-secret', ['secret']],
      ['accounts-edge-tls', ['ca.crt', 'tls.crt', 'tls.key']],
      ['accounts-edge-ca', ['tls.crt', 'tls.key']],
    ])
    expect(first.changes).toHaveLength(7)

    const second = await decide({}, asMap(first.secrets), new Date(now.getTime() + 3_600_000))
    expect(second).toMatchObject({ secrets: first.secrets, changes: [], findings: [] })
  })

  test('a database keeps its passwords when another key of the Secret is lost', async () => {
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

  test('a lost edge secret is derived again with the same value, so that servers and edge still accept each other', async () => {
    const first = await decide()
    const { ['accounts-edge-secret']: lost, ...rest } = Object.fromEntries(asMap(first.secrets))
    const { secrets, changes } = await decide({}, new Map(Object.entries(rest)))
    expect(asMap(secrets).get('accounts-edge-secret')).toEqual(lost)
    expect(changes).toEqual([{ name: 'accounts-edge-secret', why: 'secret was missing' }])
    // It does not reveal the key of the email hashes.
    expect(lost?.['secret']).toMatch(/^[\w-]{43}$/)
    expect(lost?.['secret']).not.toBe(rest['accounts-email-hash']?.['secret'])
    expect(asMap((await decide()).secrets).get('accounts-edge-secret')).not.toEqual(lost)
  })

  test('creates none for external databases', async () => {
    const { secrets } = await decide({
      environment: 'staging',
      mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' } } },
      redis: { external: { host: 'redis.example.com' } },
      tokens: { signingKeys: { secretRef: { name: 'k', key: 'keys.json' } } },
      ingress: { host: 'auth.example.com', tls: { secretName: 'tls' } },
    })
    // The key of the email hashes and the edge secret are always generated.
    expect(secrets.map(({ name }) => name)).toEqual(['accounts-email-hash', 'accounts-edge-secret'])
  })

  test('a key set that cannot be parsed stalls with a message that says what to do, and is not changed', async () => {
    const broken = new Map([['accounts-keys', { 'keys.json': '{"version":2}', note: 'x' }]])
    const { secrets, findings, changes } = await decide({}, broken)
    expect(secrets[0]?.data).toEqual(broken.get('accounts-keys'))
    expect(findings).toMatchObject([{ kind: 'blocking', condition: 'SecretsReady', reason: 'KeySetInvalid' }])
    expect(findings[0]?.message).toMatch(/accounts-keys has an invalid keys.json: .* Restore it/)
    expect(changes.map(({ name }) => name)).not.toContain('accounts-keys')
  })

  test('the URL names the member, the replica set and the user, and the password needs no escaping', async () => {
    const { secrets } = await decide({ mongodb: { managed: {}, database: 'accounts' } })
    const { url = '', 'app-password': password } = asMap(secrets).get('accounts-mongodb') ?? {}
    expect(url).toBe(
      `mongodb://auth:${password}@accounts-mongodb-0.accounts-mongodb.team-a.svc:27017/accounts?replicaSet=rs0&authSource=admin`,
    )
  })

  test('reconciles again at the earliest of the dates', async () => {
    const { nextChangeAt } = await decide()
    expect(nextChangeAt?.toISOString()).toBe('2027-02-22T11:55:00.500Z')
  })
})

describe('keys of the user that replace generated ones', () => {
  const own = { tokens: { signingKeys: { secretRef: { name: 'k', key: 'keys.json' } } } }
  const hours = (count: number) => new Date(now.getTime() + count * 3_600_000)
  const keysOf = (data: SecretData | undefined, file: string) => JSON.parse(data?.[file] ?? '{"keys":[]}').keys
  const generated = () => asMap(decide().secrets)
  const replaced = (
    ...[existing, at, options]: [ReadonlyMap<string, SecretData>, Date, { keysInUse?: boolean; revoke?: string }?]
  ) => asMap(decide(own, existing, at, options).secrets).get('accounts-keys')

  test('leave the tokens of the old keys accepted until all have expired, and the old keys unchanged', () => {
    const before = generated()
    const after = replaced(before, now, { keysInUse: true })
    expect(after?.['keys.json']).toBe(before.get('accounts-keys')?.['keys.json'])
    expect(keysOf(after, 'accepted.json')).toMatchObject([{ retireAt: hours(48).toISOString() }])

    const existing = new Map([...before, ['accounts-keys', after ?? {}]])
    expect(replaced(existing, hours(20))).toEqual(after)
    const later = replaced(existing, hours(25), { keysInUse: true })
    expect(keysOf(later, 'accepted.json'), 'servers still sign with them').toMatchObject([
      { retireAt: hours(73).toISOString() },
    ])
    expect(replaced(existing, hours(49)), 'nothing needs them any more').toBeUndefined()
    const back = asMap(decide({}, existing, hours(1)).secrets).get('accounts-keys')
    expect(back).toEqual(before.get('accounts-keys'))
  })

  test('do not make a revoked key accepted', () => {
    const before = generated()
    const [{ kid }] = keysOf(before.get('accounts-keys'), 'keys.json')
    const existing = new Map([...before, ['accounts-keys', replaced(before, now, { keysInUse: true }) ?? {}]])
    const after = replaced(existing, hours(1), { keysInUse: true, revoke: kid })
    expect(JSON.stringify(after)).not.toContain(kid)
  })
})

describe('the certificate of the edge', () => {
  const tls = async (...input: Parameters<typeof decide>) =>
    asMap((await decide(...input)).secrets).get('accounts-edge-tls') ?? {}

  test('is for the host, signed by its CA, and matches its key', async () => {
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
    ['its end is near', {}, 336, 'it expires soon'],
    ['it expired', {}, 400, 'it expired on 2027-11-24'],
  ])('is issued again when %s', async (_, change, days, why) => {
    const existing = asMap((await decide()).secrets)
    const { changes } = await decide(change, existing, new Date(now.getTime() + days * 86_400_000))
    expect(changes.find(({ name }) => name === 'accounts-edge-tls')?.why).toBe(why)
  })

  test.each<[string, Partial<AuthServiceSpec>, number]>([
    ['a preview host is named', { rollout: { blueGreen: { previewHost: 'next.localhost' } } }, 0],
    ['another host is named', { ingress: { host: 'other.localhost' } }, 0],
    ['it is renewed', {}, 336],
    ['it is renewed for the eighth time', {}, 336 * 8],
  ])('is trusted by clients that trusted the previous one when %s', async (_, change, days) => {
    const existing = asMap((await decide()).secrets)
    const before = existing.get('accounts-edge-tls')
    const after = await tls(change, existing, new Date(now.getTime() + days * 86_400_000))
    expect(after['tls.crt']).not.toBe(before?.['tls.crt'])
    expect(after['ca.crt']).toBe(before?.['ca.crt'])
    const authority = new X509Certificate(before?.['ca.crt'] ?? '')
    const leaf = new X509Certificate(after['tls.crt'] ?? '')
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true)
    expect(leaf.validToDate.getTime()).toBeLessThanOrEqual(authority.validToDate.getTime())
  })

  test.each([{ 'tls.crt': 'x', 'tls.key': 'x', 'ca.crt': 'x' }, { 'tls.crt': 'x' }])(
    'is issued again when it is invalid',
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
