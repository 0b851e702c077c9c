import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { newTotpSecret, otpauthUrl, stepOfCode, totpParameters } from './totp.ts'

/** RFC 6238 appendix B: the secret is these digits, repeated to the length of the hash. */
const vectorSecret = (bytes: number) => Secret.fromLatin1('1234567890'.repeat(7).slice(0, bytes)).base32
const secrets = { SHA1: vectorSecret(20), SHA256: vectorSecret(32), SHA512: vectorSecret(64) }

test.each([
  [59, '94287082', '46119246', '90693936'],
  [1_111_111_109, '07081804', '68084774', '25091201'],
  [1_111_111_111, '14050471', '67062674', '99943326'],
  [1_234_567_890, '89005924', '91819424', '93441116'],
  [2_000_000_000, '69279037', '90698825', '38618901'],
  [20_000_000_000, '65353130', '77737706', '47863826'],
])('the test vectors of RFC 6238 at %i s', (seconds, sha1, sha256, sha512) => {
  const now = new Date(seconds * 1000)
  const step = Math.floor(seconds / 30)
  for (const [algorithm, code] of [
    ['SHA1', sha1],
    ['SHA256', sha256],
    ['SHA512', sha512],
  ] as const) {
    const parameters = { algorithm, digits: 8, periodSeconds: 30 }
    expect(stepOfCode(secrets[algorithm], code, now, parameters), algorithm).toBe(step)
    const other = `${(Number(code[0]) + 1) % 10}${code.slice(1)}`
    expect(stepOfCode(secrets[algorithm], other, now, parameters), algorithm).toBeUndefined()
  }
})

describe('codes', () => {
  const secret = newTotpSecret()
  const start = 1_800_000_000_000
  const step = start / 30_000
  const codeAt = (milliseconds: number) => TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: milliseconds })

  test.each([
    [-60_000, undefined],
    [-30_000, step - 1],
    [0, step],
    [29_999, step],
    [30_000, step + 1],
    [60_000, undefined],
  ])('of %i ms from now belong to step %s', (offset, expected) => {
    expect(stepOfCode(secret, codeAt(start + offset), new Date(start))).toBe(expected)
  })

  test.each(['', '12345', '1234567', 'abcdef', '12345a', ' 12345', '１２３４５６', '-12345', '1e5000'])(
    '"%s" is no code',
    (text) => expect(stepOfCode(secret, text, new Date(start))).toBeUndefined(),
  )
})

test('a secret has 160 random bits, and its URI has what an app needs', () => {
  const secret = newTotpSecret()
  expect(Secret.fromBase32(secret).bytes).toHaveLength(20)
  expect(newTotpSecret()).not.toBe(secret)
  const url = new URL(otpauthUrl(secret, 'user+tag@example.com', 'Example & Sons'))
  expect(url.protocol + url.host).toBe('otpauth:totp')
  expect(decodeURIComponent(url.pathname)).toBe('/Example & Sons:user+tag@example.com')
  expect(Object.fromEntries(url.searchParams)).toEqual({
    issuer: 'Example & Sons',
    secret,
    algorithm: totpParameters.algorithm,
    digits: '6',
    period: '30',
  })
})
