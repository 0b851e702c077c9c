import { ObjectId } from 'mongodb'
import { expect, test } from 'vitest'
import { isCounterWrong, methodsOf, passkeyId, userHandleOf } from './passkey.ts'

test.each([
  [0, 0, false],
  [0, 1, false],
  [5, 6, false],
  [5, 5, true],
  [5, 4, true],
  [5, 0, true],
])('after the counter %i, the counter %i shows a copy: %s', (stored, presented, isWrong) => {
  expect(isCounterWrong(stored, presented)).toBe(isWrong)
})

test('a synced key is no hardware key, and the password is named only if it was checked', () => {
  expect(methodsOf({ isSynced: false }, { withPassword: false })).toEqual(['hwk', 'user', 'mfa'])
  expect(methodsOf({ isSynced: true }, { withPassword: true })).toEqual(['pwd', 'swk', 'user', 'mfa'])
})

test('the ID and the user handle have a fixed length that fits, whatever they are of', () => {
  for (const id of ['A', 'A'.repeat(1364)]) expect(passkeyId(id)).toMatch(/^[\w-]{43}$/)
  // WebAuthn allows 64 bytes.
  for (const user of [new ObjectId(), `~${'x'.repeat(200)}`]) {
    expect(Buffer.from(userHandleOf(user), 'base64url')).toHaveLength(32)
  }
  expect(userHandleOf('a')).not.toBe(userHandleOf('b'))
})
