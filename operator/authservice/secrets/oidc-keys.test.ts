import { type OidcKey, parseOidcKeySet } from '@authservice-operator/contract/oidc-key-set.ts'
import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import type { SecretData } from '../model/secret-data.ts'
import { decideSecrets } from './decide-secrets.ts'
import { generateOidcKey } from './generate-key.ts'
import { decideOidcKeys } from './oidc-keys.ts'
import { systemSources } from './system-sources.ts'

const now = new Date('2026-12-01T12:00:00.000Z')
const later = (days: number, minutes = 0) => new Date(now.getTime() + days * 86_400_000 + minutes * 60_000)
const policy = { rotationIntervalSeconds: 90 * 86_400, rotateNow: false, sessionSeconds: 30 * 86_400 }
const material = generateOidcKey()

let made = 0
/** One key of RSA under several IDs: each takes a tenth of a second. */
const generate = () => ({ ...material, kid: `key-${++made}` })
const fileOf = (keys: readonly OidcKey[]) => JSON.stringify({ version: 1, keys })

function decideKeys(existing: readonly OidcKey[] | undefined, at: Date, changes: Partial<typeof policy> = {}) {
  const file = existing === undefined ? undefined : fileOf(existing)
  const decision = decideOidcKeys(file, { ...policy, ...changes }, at, generate)
  if (decision.kind === 'corrupt') throw new Error(decision.problem)
  return decision
}

describe('the keys of ID tokens', () => {
  test('the first key signs at once, and servers accept the file', () => {
    const { keys, why } = decideKeys(undefined, now)
    expect(why).toBe('the first key of ID tokens')
    expect(keys).toMatchObject([{ alg: 'RS256', activateAt: later(-1).toISOString() }])
    expect(parseOidcKeySet(fileOf(keys))).toEqual({ kind: 'valid', keys })
    expect(decideKeys(keys, later(1))).toMatchObject({ kind: 'keep', keys })
  })

  test('the ID of a key is its thumbprint by RFC 7638', () => {
    const { kid, jwk } = generateOidcKey()
    expect(kid).toMatch(/^[\w-]{43}$/)
    expect(Object.keys(jwk).sort()).toEqual(['d', 'dp', 'dq', 'e', 'kty', 'n', 'p', 'q', 'qi'])
  })

  test('a key gets a successor an hour before its maximum age, and stays published until the last session that it began has ended', () => {
    const { keys: first, nextChangeAt } = decideKeys(undefined, now)
    expect(nextChangeAt).toEqual(later(90, -60))
    const { keys, why } = decideKeys(first, later(90, -60))
    expect(why).toBe(`key ${first[0]?.kid} of ID tokens reached its maximum age`)
    const end = new Date(later(120).getTime() + 30_000)
    expect(keys).toMatchObject([{ retireAt: end.toISOString() }, { activateAt: later(90).toISOString() }])
    expect(parseOidcKeySet(fileOf(keys)).kind).toBe('valid')

    expect(decideKeys(keys, later(121)).keys).toHaveLength(2)
    expect(decideKeys(keys, later(122))).toMatchObject({
      kind: 'write',
      keys: [{ kid: keys[1]?.kid }],
      why: 'a retired key of ID tokens was removed',
    })
  })

  test('longer sessions keep a replaced key for longer, and shorter ones change nothing', () => {
    const { keys } = decideKeys(decideKeys(undefined, now).keys, later(90, -60))
    const longer = decideKeys(keys, later(91), { sessionSeconds: 300 * 86_400 })
    expect(longer).toMatchObject({ kind: 'write', why: 'a retirement time of a key of ID tokens was set' })
    expect(longer.keys[0]?.retireAt).toBe(new Date(later(390).getTime() + 30_000).toISOString())
    expect(decideKeys(longer.keys, later(91)).kind).toBe('keep')
  })

  test('a request while a key is pending does not add another one', () => {
    const { keys } = decideKeys(decideKeys(undefined, now).keys, later(1), { rotateNow: true })
    expect(keys).toHaveLength(2)
    expect(decideKeys(keys, later(1, 30), { rotateNow: true })).toMatchObject({ kind: 'keep', keys })
  })

  test('users can log in although the only key was created by a clock that was far ahead', () => {
    const { keys: ahead } = decideKeys(undefined, later(30))
    const { keys, why } = decideKeys(ahead, now)
    expect(why).toBe('no key of ID tokens was active')
    expect(parseOidcKeySet(fileOf(keys)).kind).toBe('valid')
  })
})

const metadata = { name: 'accounts', namespace: 'team-a' }
const enabled = { enabled: true }

function decide(
  oidc: AuthServiceSpec['oidc'],
  existing: ReadonlyMap<string, SecretData>,
  options: { rotate?: string; rotatedBy?: string; oidcClients?: string; suspend?: boolean } = {},
) {
  const { rotate, rotatedBy, oidcClients, suspend = false } = options
  const spec = { mongodb: {}, redis: {}, suspend, ...(oidc !== undefined && { oidc }) }
  const input = {
    metadata,
    resolved: resolveSpec({ metadata, spec }),
    existing,
    requested: new Map(rotate === undefined ? [] : [['rotate-oidc-keys' as const, rotate]]),
    rotatedBy: undefined,
    mfaKeysRotatedBy: undefined,
    oidcKeysRotatedBy: rotatedBy,
    passwords: { databasesDone: false, podsDone: false },
    loadedKeys: undefined,
    oidcClients,
    identityProviders: undefined,
    keysInUse: false,
    now,
  }
  const { secrets, statuses, actionsTaken, findings, changes } = decideSecrets(input, {
    ...systemSources,
    generateOidcKey: generate,
  })
  const isOurs = ({ name }: { name: string }) => name.startsWith('accounts-oidc-')
  return {
    secrets: secrets.filter(isOurs),
    statuses: statuses.filter(isOurs),
    changes: changes.filter(isOurs),
    actionsTaken,
    findings,
  }
}

const after = ({ secrets }: ReturnType<typeof decide>) =>
  new Map<string, SecretData>(secrets.map(({ name, data }) => [name, data]))

describe('the Secrets of the OpenID provider', () => {
  test('do not exist until the spec enables it', () => {
    expect(decide(undefined, new Map()).secrets).toEqual([])
    expect(decide(enabled, new Map())).toMatchObject({
      secrets: [{ name: 'accounts-oidc-keys' }, { data: { 'clients.json': '{"version":1,"clients":[]}\n' } }],
      statuses: [{ state: 'Active', createdAt: '2026-12-01T12:00:00Z', nextRotationAt: '2027-03-01T12:00:00Z' }],
    })
  })

  test('stay when the spec turns it off, because pods of kept revisions mount them', () => {
    const on = decide(enabled, new Map())
    const clients = new Map([...after(on), ['accounts-oidc-clients', { 'clients.json': 'in use' }]])
    const withClients = decide(undefined, clients, { oidcClients: 'none' })
    expect(withClients.secrets[1]?.data, 'running pods serve them').toEqual({ 'clients.json': 'in use' })
    expect(withClients.changes).toEqual([])
    const off = decide(undefined, after(on), { rotate: 'monday' })
    expect(off.secrets).toEqual(on.secrets)
    expect(off.changes).toEqual([])
    expect(off.actionsTaken).toEqual([
      { name: 'rotate-oidc-keys', value: 'monday', message: 'Nothing was done: oidc.enabled is false.' },
    ])
  })

  test('one value of the annotation rotates once, also if the operator terminates before it records that', () => {
    const rotated = decide(enabled, after(decide(enabled, new Map())), { rotate: 'monday' })
    expect(rotated.statuses.map(({ state }) => state)).toEqual(['Active', 'Pending'])
    expect(rotated.secrets[0]?.annotations).toEqual({ 'auth-operator.dev/rotate-oidc-keys': 'monday' })
    const again = decide(enabled, after(rotated), { rotate: 'monday', rotatedBy: 'monday' })
    expect(again.secrets).toEqual(rotated.secrets)
    expect(again.changes).toEqual([])
  })

  test('while the AuthService is suspended, no key is generated', () => {
    const on = after(decide(enabled, new Map()))
    const before = made
    decide(enabled, new Map(), { suspend: true })
    const due = decide(enabled, on, { suspend: true, rotate: 'monday' })
    expect(made).toBe(before)
    expect(due.secrets[0]?.data).toEqual(on.get('accounts-oidc-keys'))
    expect(due.statuses.map(({ state }) => state)).toEqual(['Active'])
  })

  test('a file of keys that cannot be parsed is not replaced', () => {
    const { secrets, findings } = decide(enabled, new Map([['accounts-oidc-keys', { 'keys.json': '{' }]]))
    expect(secrets[0]?.data).toEqual({ 'keys.json': '{' })
    expect(findings).toMatchObject([{ kind: 'blocking', reason: 'KeySetInvalid', blocks: 'server' }])
    expect(findings[0]?.message).toContain('accounts-oidc-keys')
  })

  test('a file of clients that others have edited is written again, and stays as it is while clients are unknown', () => {
    const edited = new Map([['accounts-oidc-clients', { 'clients.json': '{' }]])
    const { secrets, changes } = decide(enabled, edited, { oidcClients: 'new' })
    expect(secrets[1]?.data).toEqual({ 'clients.json': 'new' })
    expect(changes).toContainEqual({ name: 'accounts-oidc-clients', why: 'its clients have changed' })
    expect(decide(enabled, edited).secrets[1]?.data).toEqual({ 'clients.json': '{' })
  })
})
