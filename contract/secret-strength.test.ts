import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { weaknessOf } from './secret-strength.ts'

test.each([
  ['your-super-secret-jwt-key-change-this-in-production', 'well-known'],
  ['your-super-secret-jwt-token-with-at-least-32-characters-long', 'well-known'],
  ['a-string-secret-at-least-256-bits-long', 'well-known'],
  ['CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME!', 'well-known'],
  ['your-256-bit-secret-key-here-make-it-long-and-random', 'well-known'],
  ['09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7', 'well-known'],
  ['short', '5 bytes'],
  ['31 bytes are one byte too few!!', '31 bytes'],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'is repetitive'],
  ['0123456789abcdef0123456789abcdef', 'is repetitive'],
  ['kX9#mQ2$kX9#mQ2$kX9#mQ2$kX9#mQ2$', 'is repetitive'],
  ['\0'.repeat(32), 'is repetitive'],
  ['-----BEGIN PUBLIC KEY-----MCowBQYDK2VwAyEAx7T2m', 'is a PEM or JWK file'],
  ['{"kty":"EC","crv":"P-256","x":"f83OJ3D2","y":"x_FEzRu9"}', 'is a PEM or JWK file'],
])('%s is rejected: %s', (secret, why) => {
  expect(weaknessOf(Buffer.from(secret))).toContain(why)
})

test('the output of a random generator is accepted in any notation', () => {
  for (let round = 0; round < 2_000; round++) {
    expect(weaknessOf(randomBytes(32))).toBeUndefined()
    expect(weaknessOf(Buffer.from(randomBytes(32).toString('base64')))).toBeUndefined()
    expect(weaknessOf(Buffer.from(randomBytes(16).toString('hex')))).toBeUndefined()
  }
})
