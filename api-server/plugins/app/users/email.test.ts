import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emailCollation } from '../../../migrations/email-collation.ts'
import { Problem } from '../problems/problem.ts'
import { canonicalEmail, canonicalStoredEmail, isMailbox, parseNewEmail, spellingsOf } from './email.ts'

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.domain()).map(([local, domain]) => `${local}@${domain}`),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((label) => `user@${label}.example`),
)

test('the form of an email is the same however often it is taken, whatever the text', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const email = canonicalEmail(text)
      if (email === undefined) return
      expect(canonicalEmail(email)).toBe(email)
      expect(canonicalStoredEmail(email)).toBe(email)
      expect(canonicalEmail(` \t${text}\n`)).toBe(email)
      for (const spelling of spellingsOf(email)) expect(canonicalEmail(spelling)).toBe(email)
    }),
    { numRuns: 2_000 },
  )
})

test('each single character has one form, or is refused', () => {
  for (let point = 0; point < 0x11_0000; point++) {
    const email = canonicalEmail(`a${String.fromCodePoint(point)}b@example.com`)
    if (email !== undefined && canonicalEmail(email) !== email) expect.fail(`U+${point.toString(16)}`)
  }
})

test.each([
  ['User@EXAMPLE.com', 'user@example.com'],
  [' user@example.com\r\n', 'user@example.com'],
  ['ｕｓｅｒ＠example．com', 'user@example.com'],
  ['Zoe\u0308@example.com', 'zoë@example.com'],
  ['user@XN--BCHER-KVA.example', 'user@bücher.example'],
  ['user@BÜCHER.example', 'user@bücher.example'],
  ['admin@localhost', 'admin@localhost'],
  ['OldUser', 'olduser'],
])('%j is %s', (text, email) => expect(canonicalEmail(text)).toBe(email))

// Soft hyphen, combining grapheme joiner, Hangul filler, zero widths, directions, variation selector, tag, interlinear
// annotation, control, half a character, private use, noncharacter.
const invisible = [
  '\u00ad',
  '\u034f',
  '\u115f',
  '\u200b',
  '\u200d',
  '\u202e',
  '\u2066',
  '\u061c',
  '\ufe0f',
  '\u{e0041}',
]
const others = ['\ufff9', '\0', '\u0007', '\u0085', '\ud800', '\ue000', '\ufffe']
test.each([...invisible, ...others].map((each) => [each]))('an email with %j in it is refused', (character) => {
  expect(canonicalEmail(`us${character}er@example.com`)).toBeUndefined()
  expect(canonicalEmail(`user@exam${character}ple.com`)).toBeUndefined()
})

test('invisible characters in stored emails are ignored', () => {
  expect(canonicalStoredEmail('us\u00ader@example.com\u200b')).toBe('user@example.com')
})

test.each([
  '<victim@example.com',
  '<<victim@example.com',
  'victim@example.com>',
  '"victim"@example.com',
  'victim@example.com,other@example.com',
  'victim@example.com;x',
  'x <victim@example.com>',
  'a\\b@example.com',
  'a(comment)@example.com',
  '@route.example:victim@example.com',
  'victim@[192.0.2.1]',
  'two@at@example.com',
  'user@-example.com',
  'user@example-.com',
  'user@example..com',
  'user@.example.com',
  'user@example.com.',
  'user name@example.com',
  '@example.com',
  'user@',
  'user@example。com',
  `user@${'x'.repeat(64)}.com`,
  `${'ü'.repeat(33)}@example.com`,
  `user@${'long.'.repeat(60)}com`,
  'user@ex_ample.com',
  'user@ex\u2044ample.com',
])('%s is the address of no single mailbox', (text) => expect(isMailbox(text)).toBe(false))

test.each([
  "o'brien+tag@example.com",
  'zoë@bücher.example',
  '用户@例え.テスト',
  'a..b@example.com',
  '{x|y}@example.com',
  'user@xn--bcher-kva.example',
  'user@1.example',
  'a@b.co',
])('%s can be registered', (text) => {
  expect(parseNewEmail(text)).toBe(text.includes('xn--') ? 'user@bücher.example' : text)
})

test.each(['admin@localhost', 'olduser', '', '   ', 'user@192.0.2.1', 'user@example.123', 'us\u200ber@example.com'])(
  '%j cannot be registered',
  (text) => expect(() => parseNewEmail(text)).toThrow(Problem),
)

test('two emails of one form are equal for the index, but for a domain that has two spellings', () => {
  const { compare } = new Intl.Collator(emailCollation.locale, { sensitivity: 'accent' })
  fc.assert(
    fc.property(fc.emailAddress(), fc.string({ unit: 'binary', maxLength: 1 }), (address, character) => {
      const text = address.toUpperCase().replace('@', `${character}@`)
      const email = canonicalEmail(text)
      if (email !== undefined && isMailbox(email)) expect(compare(email, text.trim())).toBe(0)
    }),
    { numRuns: 1_000 },
  )
})
