import { expect, test } from 'vitest'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.ts'

test('a user gets ten different codes of 120 random bits', () => {
  const codes = newRecoveryCodes()
  expect(new Set(codes).size).toBe(10)
  for (const code of codes) expect(code).toMatch(/^([a-z2-7]{6}-){3}[a-z2-7]{6}$/)
  const sizes: number[] = []
  newRecoveryCodes((size) => {
    sizes.push(size)
    return new Uint8Array(size)
  })
  // Five bits of each byte count.
  expect(sizes).toEqual(Array.from({ length: 10 }, () => 24))
})

test('case, white space and hyphens of a code do not matter', () => {
  const code = 'abcdef-ghijkl-mnopqr-stuvwx'
  const hash = recoveryCodeHash('user', code)
  expect(hash).toMatch(/^[\w-]{43}$/)
  for (const same of ['ABCDEF-GHIJKL-MNOPQR-STUVWX', ' abcdefghijklmnopqrstuvwx ', 'abc def ghi jkl mno pqr stu vwx']) {
    expect(recoveryCodeHash('user', same)).toBe(hash)
  }
})

test('the same code of two users has two hashes', () => {
  const code = 'abcdef-ghijkl-mnopqr-stuvwx'
  expect(recoveryCodeHash('one', code)).not.toBe(recoveryCodeHash('two', code))
})

test.each(['', 'abcdef', 'abcdef-ghijkl-mnopqr-stuvw1', `${'a'.repeat(25)}`, 'ä'.repeat(24)])(
  '"%s" is no code',
  (text) => expect(recoveryCodeHash('user', text)).toBeUndefined(),
)
