import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { weaknessOf } from './secret-strength.ts'

test.each([
  ['your-super-secret-jwt-key-change-this-in-production', 'everybody knows'],
  ['your-super-secret-jwt-token-with-at-least-32-characters-long', 'everybody knows'],
  ['a-string-secret-at-least-256-bits-long', 'everybody knows'],
  ['CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME!', 'everybody knows'],
  ['your-256-bit-secret-key-here-make-it-long-and-random', 'everybody knows'],
  ['09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7', 'everybody knows'],
  ['short', '5 bytes'],
  ['31 bytes are one byte too few!!', '31 bytes'],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'repeats itself'],
  ['0123456789abcdef0123456789abcdef', 'repeats itself'],
  ['kX9#mQ2$kX9#mQ2$kX9#mQ2$kX9#mQ2$', 'repeats itself'],
  ['\0'.repeat(32), 'repeats itself'],
])('%s is refused: %s', (secret, why) => {
  expect(weaknessOf(Buffer.from(secret))).toContain(why)
})

test('what a random generator makes is taken, in any notation', () => {
  for (let round = 0; round < 2_000; round++) {
    expect(weaknessOf(randomBytes(32))).toBeUndefined()
    expect(weaknessOf(Buffer.from(randomBytes(32).toString('base64')))).toBeUndefined()
    expect(weaknessOf(Buffer.from(randomBytes(16).toString('hex')))).toBeUndefined()
  }
})
