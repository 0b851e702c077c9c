import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeySetError, loadKeySet } from './load-key-set.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const secret = { kty: 'oct', k: randomBytes(32).toString('base64url') }
const at = '2026-01-01T00:00:00Z'
const entry = { kid: 'one', alg: 'ES256', jwk: ec as object, createdAt: at, activateAt: at }
const file = (...keys: object[]) => JSON.stringify({ version: 1, keys })

test('each algorithm loads, and only public halves are published', () => {
  const keys = loadKeySet(
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

test('a file that is no key set is refused with what is wrong', () => {
  expect(() => loadKeySet(file({ ...entry, kid: 'k'.repeat(129) }))).toThrow(KeySetError)
  expect(() => loadKeySet(file({ ...entry, kid: 'k'.repeat(129) }))).toThrow(/see \/keys\/0\/kid/)
})
