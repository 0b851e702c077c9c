import { expect, test } from 'vitest'
import { parseMfaKeySet } from './mfa-key-set.ts'

const at = '2026-01-01T00:00:00Z'
const good = { kid: 'a', key: 'A'.repeat(43), createdAt: at, activateAt: at }
const text = (...keys: unknown[]) => JSON.stringify({ version: 1, keys })

test('a key set is read', () => {
  expect(parseMfaKeySet(text(good))).toEqual({ kind: 'valid', keySet: { version: 1, keys: [good] } })
})

test.each([
  ['{"version": 1, "keys": [{"kid": "a"', 'it is not JSON'],
  ['[]', 'see the whole'],
  [text(), 'see /keys'],
  [text({ ...good, key: 'c2VjcmV0' }), 'see /keys/0/key'],
  [text({ ...good, activateAt: 'tomorrow' }), 'see /keys/0/activateAt'],
  [text({ ...good, activateAt: '2026-13-45T00:00:00Z' }), 'key a has a date that does not exist'],
  [text(good, good), 'key ID a appears twice'],
])('what is wrong with a key set is said without a key: %s', (wrong, expected) => {
  const parsed = parseMfaKeySet(wrong)
  expect(parsed).toEqual({ kind: 'corrupt', problem: expect.stringContaining(expected) })
  expect(JSON.stringify(parsed)).not.toMatch(/c2VjcmV0|AAAA/)
})
