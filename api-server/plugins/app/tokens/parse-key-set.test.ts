import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeySetError, parseKeySet } from './parse-key-set.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })
const secret = { kty: 'oct', k: randomBytes(32).toString('base64url') }
const at = '2026-01-01T00:00:00Z'
const entry = { kid: 'one', alg: 'ES256', jwk: ec as object, createdAt: at, activateAt: at }
const file = (...keys: object[]) => JSON.stringify({ version: 1, keys })

test('each algorithm loads, and only public halves are published', () => {
  const keys = parseKeySet(
    file(
      entry,
      { ...entry, kid: 'two', alg: 'EdDSA', jwk: ed25519 },
      { ...entry, kid: 'three', alg: 'HS256', jwk: secret },
    ),
  )
  expect(keys.map(({ published }) => published)).toEqual([
    { kty: 'EC', crv: 'P-256', x: ec.x, y: ec.y, kid: 'one', alg: 'ES256', use: 'sig' },
    { kty: 'OKP', crv: 'Ed25519', x: ed25519.x, kid: 'two', alg: 'EdDSA', use: 'sig' },
    undefined,
  ])
})

test.each<[string, string, RegExp]>([
  ['text that is no JSON', '{"version":1,"keys":[{"k":"hidden', /it is not JSON/],
  ['nothing', '', /it is not JSON/],
  ['another version', JSON.stringify({ version: 2, keys: [entry] }), /\/version/],
  ['no key', file(), /\/keys/],
  ['a key without a kid', file({ ...entry, kid: undefined }), /\/keys\/0/],
  ['a kid twice', file(entry, entry), /key id one is there twice/],
  ['an algorithm that is not offered', file({ ...entry, alg: 'RS256' }), /\/keys\/0\/alg/],
  ['a date that does not exist', file({ ...entry, activateAt: '2026-13-01T00:00:00Z' }), /date that does not exist/],
  ['a date in local time', file({ ...entry, activateAt: '2026-01-01T00:00:00+01:00' }), /activateAt/],
  ['retirement before activation', file({ ...entry, retireAt: '2025-01-01T00:00:00Z' }), /retires before/],
  ['a key of another algorithm', file({ ...entry, alg: 'EdDSA' }), /for EdDSA, and its kty is EC/],
  ['a key of another curve', file({ ...entry, jwk: p384 }), /its crv P-384/],
  ['a key that cannot sign', file({ ...entry, alg: 'EdDSA', jwk: x25519 }), /its crv X25519/],
  ['a public key', file({ ...entry, jwk: { ...ec, d: undefined } }), /no usable private key/],
  ['a broken key', file({ ...entry, jwk: { ...ec, x: 'AA' } }), /no usable private key/],
  ['a short secret', file({ ...entry, alg: 'HS256', jwk: { kty: 'oct', k: 'c2hvcnQ' } }), /key one has 5 bytes/],
  ['no secret', file({ ...entry, alg: 'HS256', jwk: { kty: 'oct' } }), /key one has 0 bytes/],
  [
    'a secret that everybody knows',
    file({
      ...entry,
      alg: 'HS256',
      jwk: { kty: 'oct', k: Buffer.from('your-super-secret-jwt-signing-key').toString('base64url') },
    }),
    /everybody knows/,
  ],
])('%s is refused with the place, and without a part of a key', (_what, text, message) => {
  let thrown: unknown
  try {
    parseKeySet(text)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(KeySetError)
  expect(String(thrown)).toMatch(message)
  for (const part of [ec.d, secret.k, 'hidden']) expect(String(thrown)).not.toContain(part)
})
