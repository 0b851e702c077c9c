import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseOidcKeySet } from './oidc-key-set.ts'

const at = '2026-01-01T00:00:00Z'
const jwkOf = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'jwk' })
const good = { kid: 'a', alg: 'RS256', jwk: jwkOf(2_048), createdAt: at, activateAt: at }
const text = (...keys: unknown[]) => JSON.stringify({ version: 1, keys })

test('a key set is read', () => {
  expect(parseOidcKeySet(text(good))).toEqual({ kind: 'valid', keys: [good] })
})

test.each([
  ['{"version": 1', 'it is not JSON'],
  [text(), 'see /keys'],
  [text({ ...good, alg: 'ES256' }), 'see /keys/0/alg'],
  [text({ ...good, jwk: { kty: 'RSA', n: good.jwk.n, e: good.jwk.e } }), 'see /keys/0/jwk'],
  [text({ ...good, jwk: { ...good.jwk, p: 'AAAA' } }), 'key a contains no usable private key'],
  [text({ ...good, jwk: jwkOf(1_024) }), 'key a has 1024 bits'],
  [text({ ...good, activateAt: '2026-13-45T00:00:00Z' }), 'key a has a date that does not exist'],
  [text({ ...good, retireAt: '2025-01-01T00:00:00Z' }), 'key a retires before it is active'],
  [text(good, good), 'key ID a appears twice'],
])('what is wrong with a key set is said without a key: %#', (wrong, expected) => {
  const parsed = parseOidcKeySet(wrong)
  expect(parsed).toEqual({ kind: 'corrupt', problem: expect.stringContaining(expected) })
  expect(JSON.stringify(parsed)).not.toContain(good.jwk.d)
})
