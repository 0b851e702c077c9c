import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseKeySet, signingKeyAt } from './key-set.ts'

const old = { kid: 'old', activateAt: '2026-01-01T00:00:00Z', retireAt: '2026-03-01T00:16:00Z' }
const next = { kid: 'next', activateAt: '2026-03-01T00:00:00Z' }

test.each([
  ['2025-12-31T23:59:59.999Z', undefined],
  ['2026-01-01T00:00:00Z', 'old'],
  ['2026-02-28T23:59:59.999Z', 'old'],
  ['2026-03-01T00:00:00Z', 'next'],
  ['2026-03-02T00:00:00Z', 'next'],
])('at %s the key that signs is %s', (now, kid) => {
  expect(signingKeyAt([next, old], new Date(now))?.kid).toBe(kid)
})

test('a retired key does not sign, even if no other key can', () => {
  expect(signingKeyAt([old], new Date('2026-03-01T00:16:00Z'))).toBeUndefined()
})

test('dates are compared as times, whatever their number of digits', () => {
  const exact = { kid: 'exact', activateAt: '2026-03-01T00:00:00.500Z' }
  expect(signingKeyAt([exact, next], new Date('2026-03-01T00:00:01Z'))?.kid).toBe('exact')
})

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })
const secret = { kty: 'oct', k: randomBytes(32).toString('base64url') }
const at = '2026-01-01T00:00:00Z'
const entry = { kid: 'one', alg: 'ES256', jwk: ec as object, createdAt: at, activateAt: at }
const file = (...keys: object[]) => JSON.stringify({ version: 1, keys })

test('each algorithm is parsed', () => {
  const keys = [
    entry,
    { ...entry, kid: 'two', alg: 'EdDSA', jwk: ed25519, retireAt: '2026-02-01T00:00:00.5Z' },
    { ...entry, kid: 'three', alg: 'HS256', jwk: secret },
  ]
  expect(parseKeySet(file(...keys))).toEqual({ kind: 'valid', keySet: { version: 1, keys } })
})

test.each<[string, string, RegExp]>([
  ['text that is no JSON', '{"version":1,"keys":[{"k":"hidden', /it is not JSON/],
  ['nothing', '', /it is not JSON/],
  ['another version', JSON.stringify({ version: 2, keys: [entry] }), /\/version/],
  ['no key', file(), /\/keys/],
  ['a key without a kid', file({ ...entry, kid: undefined }), /\/keys\/0/],
  ['a kid twice', file(entry, entry), /key ID one appears twice/],
  ['an algorithm that is not offered', file({ ...entry, alg: 'RS256' }), /\/keys\/0\/alg/],
  ['a date that does not exist', file({ ...entry, activateAt: '2026-13-01T00:00:00Z' }), /date that does not exist/],
  ['a date in local time', file({ ...entry, activateAt: '2026-01-01T00:00:00+01:00' }), /activateAt/],
  ['retirement before activation', file({ ...entry, retireAt: '2025-01-01T00:00:00Z' }), /retires before/],
  ['a key of another algorithm', file({ ...entry, alg: 'EdDSA' }), /for EdDSA, but its kty is EC/],
  ['a key of another curve', file({ ...entry, jwk: p384 }), /its crv P-384/],
  ['a key that cannot sign', file({ ...entry, alg: 'EdDSA', jwk: x25519 }), /its crv X25519/],
  ['a public key', file({ ...entry, jwk: { ...ec, d: undefined } }), /no usable private key/],
  ['a broken key', file({ ...entry, jwk: { ...ec, x: 'AA' } }), /no usable private key/],
  ['a short secret', file({ ...entry, alg: 'HS256', jwk: { kty: 'oct', k: 'c2hvcnQ' } }), /key one has 5 bytes/],
  ['no secret', file({ ...entry, alg: 'HS256', jwk: { kty: 'oct' } }), /key one has 0 bytes/],
  [
    'a well-known secret',
    file({
      ...entry,
      alg: 'HS256',
      jwk: { kty: 'oct', k: Buffer.from('your-super-secret-jwt-signing-key').toString('base64url') },
    }),
    /well-known secret/,
  ],
])('%s is rejected with its location, and without a part of a key', (_what, text, message) => {
  const parsed = parseKeySet(text)
  expect(parsed).toEqual({ kind: 'corrupt', problem: expect.stringMatching(message) })
  for (const part of [ec.d, secret.k, 'hidden']) expect(JSON.stringify(parsed)).not.toContain(part)
})
