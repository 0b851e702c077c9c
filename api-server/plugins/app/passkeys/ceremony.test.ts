import { expect, test } from 'vitest'
import { keyOfMfaSecret, MfaKeys } from '../mfa/sealed-secret.ts'
import { type Ceremony, ceremonySeconds, checkChallenge, newChallenge } from './ceremony.ts'

const now = new Date('2026-11-30T12:00:00Z')
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const keysOf = (secret: string) => {
  const keys = new MfaKeys()
  keys.replace([keyOfMfaSecret(secret)])
  return keys
}
const keys = keysOf('a secret of this test')
const login: Ceremony = { kind: 'login', subject: 'a browser' }

test('a challenge is valid for a minute, for what it was made for', () => {
  const challenge = newChallenge(keys, login, now)
  expect(checkChallenge(keys, challenge, login, later(ceremonySeconds - 1))).toBe('valid')
  expect(checkChallenge(keys, challenge, login, later(ceremonySeconds))).toBe('expired')
  expect(checkChallenge(keys, challenge, { ...login, subject: 'another browser' }, now)).toBe('foreign')
  expect(checkChallenge(keys, challenge, { ...login, kind: 'step_up' }, now)).toBe('foreign')
})

test('challenges differ, and another server with the same secret knows them', () => {
  const challenges = Array.from({ length: 100 }, () => newChallenge(keys, login, now))
  expect(new Set(challenges).size).toBe(100)
  const [challenge = ''] = challenges
  expect(checkChallenge(keysOf('a secret of this test'), challenge, login, now)).toBe('valid')
  expect(checkChallenge(keysOf('another secret'), challenge, login, now)).toBe('foreign')
})

test('a challenge of an earlier key stays valid, and one of a removed key does not', () => {
  const [old, next] = [keyOfMfaSecret('old'), { ...keyOfMfaSecret('new'), kid: 'new', activateAt: now.toISOString() }]
  const rotating = new MfaKeys()
  rotating.replace([old])
  const challenge = newChallenge(rotating, login, now)
  rotating.replace([old, next])
  expect(checkChallenge(rotating, challenge, login, now)).toBe('valid')
  rotating.replace([next])
  expect(checkChallenge(rotating, challenge, login, now)).toBe('foreign')
})

test('a challenge with any bit changed is foreign', () => {
  const challenge = Buffer.from(newChallenge(keys, login, now), 'base64url')
  for (let bit = 0; bit < challenge.length * 8; bit++) {
    const changed = Buffer.from(challenge)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(checkChallenge(keys, changed.toString('base64url'), login, now), `bit ${bit}`).toBe('foreign')
  }
})

test('a challenge in another spelling of base64 is foreign, because it would count as unused', () => {
  const challenge = newChallenge(keys, login, now)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(challenge.at(-1) ?? '')
  // The last character has bits that belong to no byte.
  const spelling = `${challenge.slice(0, -1)}${alphabet[last + 1]}`
  expect(Buffer.from(spelling, 'base64url')).toEqual(Buffer.from(challenge, 'base64url'))
  for (const text of [spelling, `${challenge}=`, ` ${challenge}`]) {
    expect(checkChallenge(keys, text, login, now)).toBe('foreign')
  }
})

test.each(['', 'AAAA', 'not base64url!', 'A'.repeat(1000)])('“%s” is foreign', (challenge) => {
  expect(checkChallenge(keys, challenge, login, now)).toBe('foreign')
})
