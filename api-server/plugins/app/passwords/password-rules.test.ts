import { compare, hash as createHash } from 'bcrypt'
import { expect, test } from 'vitest'
import {
  faultAtLogin,
  faultOf,
  hasPassword,
  missingCosts,
  needsUpgrade,
  noPasswordHash,
  spellingsOf,
} from './password-rules.ts'

test.each([
  ['a good one', 'correct horse battery', undefined],
  ['eleven bytes', 'x9.Kq-71bV2', 'password_too_short'],
  ['twelve bytes in six characters', 'пароль', 'password_too_short'],
  ['sixteen bytes in eight characters', 'пять7лет!', undefined],
  ['72 bytes', `correct horse ${'battery '.repeat(7)}!!`, undefined],
  ['73 bytes', `correct horse ${'battery '.repeat(7)}!!!`, 'password_too_long'],
  ['a leaked one', 'sonyericsson', 'password_common'],
  ['a leaked one in other case', 'Qwerty123456', 'password_common'],
  ['a word and a year', 'Summer2025!!', 'password_common'],
  ['one character over and over', 'aaaaaaaaaaaaa', 'password_common'],
  ['the email', 'somebody@example.com', 'password_common'],
  ['the name', 'Somebody Nobody', 'password_common'],
  ['a zero byte', 'correct horse\0battery', 'password_unusable'],
  ['half a character', 'correct horse \ud800 battery', 'password_unusable'],
])('%s: %j', (_what, password, fault) => {
  expect(
    faultOf(password, { minBytes: 12, words: [] }, { email: 'Somebody@example.com', name: 'somebody nobody' }),
  ).toBe(fault)
})

test.each([
  ['Acme2026!Acme', true],
  ['AcmeRocketAcme', true],
  ['acme-rocket-12', true],
  ['accounts at acme', false],
  ['correct horse rocket', false],
  ['correct horse battery', false],
  ['20261124-202611', false],
])(
  'a password that is made of the words of the organisation is refused, one that has them among others is not: %s',
  (password, isRefused) => {
    const rules = { minBytes: 12, words: ['ACME', 'Rocket'] }
    expect(faultOf(password, rules)).toBe(isRefused ? 'password_common' : undefined)
    expect(faultOf(password, { ...rules, words: [] })).toBeUndefined()
  },
)

test('a lower least length still refuses what is guessed first', () => {
  expect(faultOf('iloveyou', { minBytes: 8, words: [] })).toBe('password_common')
})

test('logins refuse what bcrypt would truncate, and nothing that another program may have allowed', () => {
  expect(faultAtLogin('short')).toBeUndefined()
  expect(faultAtLogin('x'.repeat(73))).toBe('password_too_long')
  expect(faultAtLogin('x\0y')).toBe('password_unusable')
})

test('hashes of a lower cost and of older variants are replaced', () => {
  const rest = 'x'.repeat(53)
  expect(needsUpgrade(`$2b$12$${rest}`, 12)).toBe(false)
  expect(needsUpgrade(`$2b$13$${rest}`, 12)).toBe(false)
  expect(needsUpgrade(`$2b$11$${rest}`, 12)).toBe(true)
  for (const variant of ['2a', '2y']) expect(needsUpgrade(`$${variant}$12$${rest}`, 12)).toBe(true)
})

test('what is missing from a cheap hash adds up to a full one', () => {
  const steps = (costs: number[]) => costs.reduce((sum, cost) => sum + 2 ** cost, 0)
  for (const cost of [4, 10, 11, 12]) {
    expect(2 ** cost + steps(missingCosts(`$2b$${String(cost).padStart(2, '0')}$`, 12))).toBe(2 ** 12)
  }
  expect(missingCosts('$2b$13$', 12)).toEqual([])
})

test('another spelling is tried for hashes of programs that do not normalize', () => {
  expect(spellingsOf('cafe')).toEqual(['cafe'])
  expect(spellingsOf('cafe\u0301')).toEqual(['caf\u00e9', 'cafe\u0301'])
})

test('the hash of a user without a password is one that bcrypt compares, and says so', async () => {
  const hash = noPasswordHash(4)
  expect(await compare('', hash)).toBe(false)
  expect(missingCosts(hash, 4)).toEqual([])
  expect(hasPassword(hash)).toBe(false)
  expect(hasPassword(await createHash('correct horse battery', 4))).toBe(true)
  expect(hasPassword('')).toBe(false)
})
