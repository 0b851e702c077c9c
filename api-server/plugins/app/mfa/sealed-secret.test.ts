import { randomBytes } from 'node:crypto'
import type { MfaKey } from '@authservice-operator/contract/mfa-key-set.ts'
import { beforeEach, expect, test } from 'vitest'
import { keyOfMfaSecret, MfaKeys, UnreadableSecretError } from './sealed-secret.ts'

const now = new Date('2026-11-30T12:00:00Z')
const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const key = (kid: string, activateAt: string): MfaKey => ({
  kid,
  key: randomBytes(32).toString('base64url'),
  createdAt: activateAt,
  activateAt,
})
const first = key('first', '2026-01-01T00:00:00Z')
const second = key('second', '2026-11-01T00:00:00Z')
const future = key('future', '2026-12-01T00:00:00Z')
let keys: MfaKeys

beforeEach(() => {
  keys = new MfaKeys()
  keys.replace([first, second, future])
})

test('the active key encrypts, and what it encrypted can be read', () => {
  const sealed = keys.seal(secret, 'user/factor', now)
  expect(sealed.kid).toBe('second')
  expect(JSON.stringify(sealed)).not.toContain(secret)
  expect(keys.unseal(sealed, 'user/factor')).toBe(secret)
  // A nonce is never used twice.
  expect(keys.seal(secret, 'user/factor', now).data).not.toBe(sealed.data)
})

test('a key that is no longer the newest decrypts, and its secrets are outdated', () => {
  keys.replace([first])
  const sealed = keys.seal(secret, 's', now)
  expect(keys.isOutdated(sealed, now)).toBe(false)
  keys.replace([first, second])
  expect(keys.unseal(sealed, 's')).toBe(secret)
  expect(keys.isOutdated(sealed, now)).toBe(true)
})

test.each([
  ['of another user', (data: string) => data, 'other/factor'],
  ['with a changed bit', (data: string) => flipped(data), 'user/factor'],
  ['that is cut short', (data: string) => data.slice(0, 20), 'user/factor'],
  ['that is empty', () => '', 'user/factor'],
])('a secret %s cannot be read', (_what, change, subject) => {
  const sealed = keys.seal(secret, 'user/factor', now)
  expect(() => keys.unseal({ ...sealed, data: change(sealed.data) }, subject)).toThrow(UnreadableSecretError)
})

test('a secret whose key is lost cannot be read, and the key is named', () => {
  const sealed = keys.seal(secret, 's', now)
  keys.replace([first])
  expect(() => keys.unseal(sealed, 's')).toThrow('the key second of a second factor is not in the key set')
})

test('without an active key nothing is encrypted', () => {
  keys.replace([future])
  expect(() => keys.seal(secret, 's', now)).toThrow('no key for secrets of second factors is active now')
})

test('the keys say which one encrypts, which ones only decrypt, and which ones wait', () => {
  expect(keys.newest(now)).toBe('second')
  expect([...keys.states(now)]).toEqual([
    ['first', 'older'],
    ['second', 'newest'],
    ['future', 'future'],
  ])
})

test('a secret of the environment is a key', () => {
  keys.replace([keyOfMfaSecret('a secret of the environment')])
  const sealed = keys.seal(secret, 's', now)
  keys.replace([keyOfMfaSecret('another secret of the environment')])
  expect(() => keys.unseal(sealed, 's')).toThrow(UnreadableSecretError)
})

function flipped(data: string): string {
  const bytes = Buffer.from(data, 'base64url')
  bytes[15] = (bytes[15] ?? 0) ^ 1
  return bytes.toString('base64url')
}
