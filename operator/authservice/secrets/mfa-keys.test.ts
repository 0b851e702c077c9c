import { type MfaKey, parseMfaKeySet } from '@authservice-operator/contract/mfa-key-set.ts'
import { describe, expect, test } from 'vitest'
import { resolveSpec } from '../api/defaults.ts'
import type { AuthServiceSpec } from '../api/schema.ts'
import type { SecretData } from '../model/secret-data.ts'
import { decideSecrets } from './decide-secrets.ts'
import { decideMfaKeys } from './mfa-keys.ts'
import { systemSources } from './system-sources.ts'

const now = new Date('2026-11-24T12:00:00.000Z')
const later = (days: number, minutes = 0) => new Date(now.getTime() + days * 86_400_000 + minutes * 60_000)
const policy = { rotationIntervalSeconds: 365 * 86_400, rotateNow: false }

let made = 0
const generate = () => ({ kid: `key-${++made}`, key: Buffer.alloc(32, made).toString('base64url') })
const fileOf = (keys: readonly MfaKey[]) => JSON.stringify({ version: 1, keys })

function decideKeys(existing: readonly MfaKey[] | undefined, at: Date, { rotateNow = false } = {}) {
  const file = existing === undefined ? undefined : fileOf(existing)
  const decision = decideMfaKeys(file, { ...policy, rotateNow }, at, generate)
  if (decision.kind === 'corrupt') throw new Error(decision.problem)
  return decision
}

describe('the keys of second factors', () => {
  test('the first key encrypts at once, also on a server whose clock is a day behind', () => {
    const { kind, keys, why } = decideKeys(undefined, now)
    expect({ kind, why }).toEqual({ kind: 'write', why: 'the first key of second factors' })
    expect(parseMfaKeySet(fileOf(keys)).kind).toBe('valid')
    expect(keys.map(({ activateAt }) => activateAt)).toEqual([later(-1).toISOString()])
  })

  test('a key that has reached its maximum age gets a successor, which encrypts an hour later', () => {
    const { keys: first, nextChangeAt } = decideKeys(undefined, now)
    expect(nextChangeAt).toEqual(later(365, -60))
    expect(decideKeys(first, later(365, -61)).kind).toBe('keep')

    const rotated = decideKeys(first, later(365, -60))
    expect(rotated.why).toBe(`key ${first[0]?.kid} of second factors reached its maximum age`)
    expect(rotated.keys.slice(0, 1)).toEqual(first)
    expect(rotated.keys[1]?.activateAt).toBe(later(365).toISOString())
    expect(rotated.nextChangeAt).toEqual(later(365))
  })

  test('no key is ever removed, because stored secrets may need it', () => {
    let { keys } = decideKeys(undefined, now)
    for (let year = 1; year <= 20; year++) keys = decideKeys(keys, later(365 * year)).keys
    expect(keys).toHaveLength(21)
  })

  test('a request while a key is pending does not add another one', () => {
    const { keys: first } = decideKeys(undefined, now)
    const { keys: rotated, why } = decideKeys(first, later(1), { rotateNow: true })
    expect(why).toBe('a rotation was requested')
    expect(decideKeys(rotated, later(1, 30), { rotateNow: true })).toMatchObject({ kind: 'keep', keys: rotated })
  })

  test('users can enrol although the only key was created by a clock that was far ahead', () => {
    const { keys: ahead } = decideKeys(undefined, later(30))
    const { keys, why } = decideKeys(ahead, now)
    expect(why).toBe('no key of second factors was active')
    expect(keys.map(({ activateAt }) => activateAt)).toEqual([later(29).toISOString(), later(-1).toISOString()])
  })
})

const metadata = { name: 'accounts', namespace: 'team-a' }

function decide(
  mfa: AuthServiceSpec['mfa'],
  existing: ReadonlyMap<string, SecretData>,
  { rotate, rotatedBy }: { rotate?: string; rotatedBy?: string } = {},
) {
  const spec = { mongodb: {}, redis: {}, ...(mfa !== undefined && { mfa }) }
  const input = {
    metadata,
    resolved: resolveSpec({ metadata, spec }),
    existing,
    requested: new Map(rotate === undefined ? [] : [['rotate-mfa-keys' as const, rotate]]),
    rotatedBy: undefined,
    mfaKeysRotatedBy: rotatedBy,
    oidcKeysRotatedBy: undefined,
    passwords: { databasesDone: false, podsDone: false },
    loadedKeys: undefined,
    oidcClients: undefined,
    identityProviders: undefined,
    keysInUse: false,
    now,
  }
  const { secrets, statuses, actionsTaken, findings, changes } = decideSecrets(input, systemSources)
  const name = 'accounts-mfa-keys'
  return {
    secret: secrets.find((secret) => secret.name === name),
    statuses: statuses.filter((status) => status.name === name),
    changes: changes.filter((change) => change.name === name),
    actionsTaken,
    findings,
  }
}

const after = ({ secret }: ReturnType<typeof decide>) =>
  new Map<string, SecretData>(secret === undefined ? [] : [[secret.name, secret.data]])

describe('the Secret with the keys of second factors', () => {
  const optional = { mode: 'Optional' as const }

  test('does not exist until the spec enables second factors', () => {
    expect(decide(undefined, new Map()).secret).toBeUndefined()
    expect(decide(optional, new Map())).toMatchObject({
      changes: [{ name: 'accounts-mfa-keys', why: 'the first key of second factors' }],
      statuses: [{ state: 'Active', createdAt: '2026-11-24T12:00:00Z', nextRotationAt: '2027-11-24T12:00:00Z' }],
    })
  })

  test('stays unchanged when the spec disables them, because users keep their factors', () => {
    const enabled = decide(optional, new Map())
    const disabled = decide({ mode: 'Disabled' }, after(enabled), { rotate: 'monday' })
    expect(disabled.secret).toEqual(enabled.secret)
    expect(disabled.actionsTaken).toEqual([
      { name: 'rotate-mfa-keys', value: 'monday', message: 'Nothing was done: mfa.mode is Disabled.' },
    ])
  })

  test('one value of the annotation rotates once, also if the operator terminates before it records that', () => {
    const enabled = decide(optional, new Map())
    const rotated = decide(optional, after(enabled), { rotate: 'monday' })
    expect(rotated.statuses.map(({ state }) => state)).toEqual(['Active', 'Pending'])
    expect(rotated.secret?.annotations).toEqual({ 'auth-operator.dev/rotate-mfa-keys': 'monday' })
    expect(rotated.actionsTaken).toMatchObject([{ name: 'rotate-mfa-keys', value: 'monday' }])

    const again = decide(optional, after(rotated), { rotate: 'monday', rotatedBy: 'monday' })
    expect(again.secret).toEqual(rotated.secret)
    expect(again.changes).toEqual([])
  })

  test('a file that cannot be parsed is not replaced', () => {
    const broken = new Map([['accounts-mfa-keys', { 'keys.json': '{' }]])
    const { secret, findings } = decide(optional, broken)
    expect(secret?.data).toEqual({ 'keys.json': '{' })
    expect(findings).toMatchObject([{ kind: 'blocking', reason: 'KeySetInvalid', blocks: 'server' }])
    expect(findings[0]?.message).toContain('accounts-mfa-keys')
  })
})
