import type { KeySetFile } from '@authservice-operator/contract/key-set.ts'
import { leewaySeconds } from '@authservice-operator/contract/limits.ts'
import { describe, expect, test } from 'vitest'
import { holdTiming } from './activation.ts'
import { generateKey } from './generate-key.ts'
import { keptAfterRetirementSeconds } from './key-order.ts'
import { keyStatuses } from './key-statuses.ts'
import { decideSigningKeys, type SigningKeyPolicy } from './signing-keys.ts'

const start = new Date('2026-11-24T12:00:00.000Z')
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const days = 86_400
const { longestHoldSeconds } = holdTiming

const policy: SigningKeyPolicy = {
  ...holdTiming,
  algorithm: 'ES256',
  rotationIntervalSeconds: 90 * days,
  activationDelaySeconds: 300,
  rotateNow: false,
  revoke: undefined,
  everyServerKnows: () => false,
}

const decide = (existing: KeySetFile | string | undefined, change: Partial<SigningKeyPolicy>, now: Date) =>
  decideSigningKeys(
    typeof existing === 'object' ? JSON.stringify(existing) : existing,
    { ...policy, ...change },
    now,
    generateKey,
  )

/** The key set after a reconcile. @throws if there is none */
function keySetOf(decision: ReturnType<typeof decide>): KeySetFile {
  if (decision.kind === 'corrupt') throw new Error(decision.problem)
  return decision.keySet
}

/** The key with which a server signs, according to the contract of the file. */
function signerAt({ keys }: KeySetFile, now: Date) {
  return keys
    .filter(
      ({ activateAt, retireAt }) => new Date(activateAt) <= now && (retireAt === undefined || new Date(retireAt) > now),
    )
    .sort((one, other) => Date.parse(other.activateAt) - Date.parse(one.activateAt))[0]
}

const verifiableAt = ({ keys }: KeySetFile, now: Date) =>
  keys.filter(({ retireAt }) => retireAt === undefined || new Date(retireAt) > now).map(({ kid }) => kid)

describe('decideSigningKeys', () => {
  test('the first key signs immediately', () => {
    const decision = decide(undefined, {}, start)
    expect(decision).toMatchObject({ kind: 'write', keySet: { keys: [{ alg: 'ES256' }] } })
    // Even on a server whose clock is behind.
    expect(signerAt(keySetOf(decision), after(-3_600))).toBeDefined()
  })

  test('a key set in use is unchanged until its successor is due', () => {
    const first = keySetOf(decide(undefined, {}, start))
    const dueAt = 90 * days - 300
    const decision = decide(first, {}, after(dueAt - 1))
    expect(decision).toMatchObject({ kind: 'keep', keySet: first, nextChangeAt: after(dueAt) })
    expect(decide(first, {}, after(dueAt)).kind).toBe('write')
  })

  test('a rotation publishes the new key first, and retires the old one after its last token', () => {
    const first = keySetOf(decide(undefined, {}, start))
    const rotated = keySetOf(decide(first, { rotateNow: true }, after(60)))
    const atTheLatest = 60 + 300 + longestHoldSeconds

    expect(rotated.keys.map(({ activateAt, retireAt }) => ({ activateAt, retireAt }))).toEqual([
      { activateAt: first.keys[0]?.activateAt, retireAt: after(atTheLatest + days + leewaySeconds).toISOString() },
      { activateAt: after(atTheLatest).toISOString(), retireAt: undefined },
    ])
    expect(decide(rotated, { rotateNow: true }, after(61)).kind).toBe('keep')
    const longAfter = atTheLatest + days + leewaySeconds + keptAfterRetirementSeconds
    expect(keySetOf(decide(rotated, {}, after(longAfter - 1))).keys).toHaveLength(2)
    expect(keySetOf(decide(rotated, {}, after(longAfter))).keys).toHaveLength(1)
  })

  test('a change of the algorithm is a rotation', () => {
    const first = keySetOf(decide(undefined, { algorithm: 'HS256' }, start))
    expect(keySetOf(decide(first, { algorithm: 'EdDSA' }, after(1))).keys.map(({ alg }) => alg)).toEqual([
      'HS256',
      'EdDSA',
    ])
  })

  test('a replaced key that was added manually without a retirement time gets one', () => {
    const one = keySetOf(decide(undefined, {}, start))
    const other = keySetOf(decide(undefined, {}, after(10)))
    const decision = decide({ version: 1, keys: [...one.keys, ...other.keys] }, {}, after(20))
    expect(decision).toMatchObject({ kind: 'write', why: 'the retirement time of a replaced signing key was set' })
    expect(keySetOf(decision).keys[0]?.retireAt).toBe(after(10 + days + leewaySeconds).toISOString())
  })

  test.each([
    ['not JSON', '{', 'it is not JSON'],
    ['an empty file', '', 'it is not JSON'],
    ['another shape', '{"version":1,"keys":[]}', 'it is not a key set {"version": 1, "keys": […]}: see /keys'],
    [
      'a short secret',
      keySetWith({ alg: 'HS256', jwk: { kty: 'oct', k: 'c2hvcnQ' } }),
      'key a has 5 bytes; expected at least 32 (RFC 7518 section 3.2)',
    ],
    [
      'another key type',
      keySetWith({ alg: 'ES256', jwk: { kty: 'oct', k: 'c2hvcnQ' } }),
      'key a is for ES256, but its kty is oct',
    ],
    [
      'a public key alone',
      keySetWith({ alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }),
      'no usable private key',
    ],
  ])('%s is a finding and is not overwritten', (_, text, problem) => {
    const decision = decide(text, {}, start)
    expect(decision.kind).toBe('corrupt')
    expect(decision).toHaveProperty('problem', expect.stringContaining(problem))
  })

  test('a key set whose keys are all retired gets a new one', () => {
    const first = keySetOf(decide(undefined, {}, start))
    const [only] = first.keys
    if (only === undefined) throw new Error('no key')
    const retired: KeySetFile = { version: 1, keys: [{ ...only, retireAt: after(10).toISOString() }] }
    const decision = keySetOf(decide(retired, {}, after(20)))
    expect(signerAt(decision, after(20))?.kid).not.toBe(only.kid)
  })
})

describe('a pending key', () => {
  const first = keySetOf(decide(undefined, {}, start))
  const rotated = keySetOf(decide(first, { rotateNow: true }, start))
  const everyServerKnows = () => true
  const activationOf = (decision: ReturnType<typeof decide>) => keySetOf(decision).keys[1]?.activateAt

  test('signs after the delay once every server has loaded it', () => {
    const known = decide(rotated, { everyServerKnows }, after(70))
    expect(activationOf(known)).toBe(after(300).toISOString())
    expect(known).toMatchObject({ kind: 'write', held: undefined, nextChangeAt: after(300) })
    expect(decide(keySetOf(known), { everyServerKnows }, after(80)).kind).toBe('keep')
  })

  test('is delayed while a server has not loaded it, and the servers are queried again soon', () => {
    const waiting = decide(rotated, {}, after(1_000))
    expect(waiting).toMatchObject({ kind: 'keep', held: rotated.keys[1], nextChangeAt: after(1_010) })
  })

  test('that is loaded late does not sign before the servers see its new activation time', () => {
    expect(activationOf(decide(rotated, { everyServerKnows }, after(1_000)))).toBe(after(1_090).toISOString())
  })

  test('signs eventually, even if a server never reports that it has loaded it', () => {
    expect(signerAt(rotated, after(300 + longestHoldSeconds))).toEqual(rotated.keys[1])
    expect(decide(rotated, {}, after(300 + longestHoldSeconds))).toMatchObject({ kind: 'keep', held: undefined })
  })

  test('that a wrong clock dated a year ahead signs within the hour', () => {
    const wrong = keySetOf(decide(first, { rotateNow: true }, after(365 * days)))
    expect(activationOf(decide(wrong, {}, after(60)))).toBe(after(60 + 300 + longestHoldSeconds).toISOString())
    expect(activationOf(decide(wrong, { everyServerKnows }, after(60)))).toBe(after(60 + 300).toISOString())
  })
})

describe('a revoked key', () => {
  const first = keySetOf(decide(undefined, {}, start))
  const rotated = keySetOf(decide(first, { rotateNow: true }, after(60)))
  const [one = '', two = ''] = rotated.keys.map(({ kid }) => kid)

  test('that signs is followed immediately by a new one', () => {
    const decision = decide(first, { revoke: one }, after(10))
    expect(decision).toMatchObject({ kind: 'write', revoked: true, why: `key ${one} was revoked` })
    expect(verifiableAt(keySetOf(decision), after(10))).not.toContain(one)
    expect(signerAt(keySetOf(decision), after(10))).toMatchObject({ createdAt: after(10).toISOString() })
  })

  test('that signs is followed by the pending one, which the servers have already loaded', () => {
    const keySet = keySetOf(decide(rotated, { revoke: one }, after(70)))
    expect(keySet.keys).toMatchObject([{ kid: two }])
    expect(signerAt(keySet, after(70))).toMatchObject({ kid: two })
    expect(keySet.keys[0]).not.toHaveProperty('retireAt')
  })

  test('that was only pending leaves the signer unchanged, without a retirement time', () => {
    const keySet = keySetOf(decide(rotated, { revoke: two }, after(70)))
    expect(keySet.keys).toEqual(first.keys)
  })

  test('that is only accepted removes no other key', () => {
    const keySet = keySetOf(decide(rotated, { revoke: one }, after(2_500)))
    expect(keySet.keys.map(({ kid }) => kid)).toEqual([two])
    expect(signerAt(keySet, after(2_500))).toMatchObject({ kid: two })
  })

  test('that does not exist changes nothing', () => {
    expect(decide(rotated, { revoke: 'nobody' }, after(70))).toMatchObject({ kind: 'keep', revoked: false })
  })
})

test('statuses show which key signs, which is pending and which is still accepted', () => {
  const first = keySetOf(decide(undefined, {}, start))
  const rotated = keySetOf(decide(first, { rotateNow: true }, start))
  const states = (now: Date) => keyStatuses('quickstart-keys', rotated.keys, policy, now).map(({ state }) => state)
  expect(states(after(1))).toEqual(['Active', 'Pending'])
  const active = 301 + longestHoldSeconds
  expect(states(after(active))).toEqual(['Accepted', 'Active'])
  expect(states(after(active + days + 30))).toEqual(['Retired', 'Active'])
  expect(keyStatuses('quickstart-keys', first.keys, policy, start)[0]?.nextRotationAt).toBe('2027-02-22T12:00:00Z')
})

test.each(['ES256', 'EdDSA', 'HS256'] as const)('generates a usable key for %s', (algorithm) => {
  const [key] = keySetOf(decide(undefined, { algorithm }, start)).keys
  expect(key?.alg).toBe(algorithm)
  expect(decide({ version: 1, keys: key ? [key] : [] }, { algorithm }, start).kind).toBe('keep')
})

function keySetWith(key: object): string {
  return JSON.stringify({
    version: 1,
    keys: [{ kid: 'a', createdAt: start.toISOString(), activateAt: start.toISOString(), ...key }],
  })
}
