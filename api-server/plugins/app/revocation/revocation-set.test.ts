import { expect, test } from 'vitest'
import type { Revocation } from './revocation.ts'
import { RevocationSet } from './revocation-set.ts'

const start = Date.parse('2026-03-01T00:00:00Z')
const at = (milliseconds: number) => new Date(start + milliseconds)

function revocation(kind: Revocation['kind'], subject: string, milliseconds = 0, watermark = 1): Revocation {
  const changedAt = at(milliseconds)
  return {
    _id: `${kind}:${subject}`,
    kind,
    subject,
    watermark,
    changedAt,
    tokensUntil: at(milliseconds + 900_000),
    expiresAt: at(0),
  }
}

const token = (change = {}) => ({ sid: 'session', sub: 'user', ver: 0, iat: start / 1000, ...change })

test('the end of a session ends its own tokens only', () => {
  const set = new RevocationSet()
  set.add(revocation('session', 'session'))
  expect(set.check(token())).toBe('revoked')
  expect(set.check(token({ sid: 'other' }))).toBe('active')
  expect(set.check(token({ sid: 'other', sub: 'session' }))).toBe('active')
})

test('a watermark ends what began before it, and nothing that began after it', () => {
  const set = new RevocationSet()
  set.add(revocation('user', 'user', 0, 5))
  expect([4, 5, 6].map((ver) => set.check(token({ ver })))).toEqual(['revoked', 'active', 'active'])
})

test('news that come late do not lower a watermark', () => {
  const set = new RevocationSet()
  set.add(revocation('user', 'user', 1_000, 9))
  set.add(revocation('user', 'user', 0, 5))
  expect(set.check(token({ ver: 7 }))).toBe('revoked')
})

test('a revocation is forgotten when its tokens have expired', () => {
  const set = new RevocationSet()
  set.add(revocation('session', 'session'))
  set.forgetExpired(at(899_999))
  expect(set.size).toBe(1)
  set.forgetExpired(at(900_000))
  expect(set.size).toBe(0)
})

test('the set is bounded, and what does not fit is never taken for active', () => {
  const set = new RevocationSet(100)
  for (let i = 0; i < 1_000; i++) {
    set.add(revocation(i % 3 === 0 ? 'user' : 'session', `subject-${i}`, i * 1_000, Number.MAX_SAFE_INTEGER))
  }
  expect(set.size).toBe(100)
  for (let i = 0; i < 1_000; i++) {
    // Issued a second before it was revoked.
    const verdict = set.check(token({ sid: `subject-${i}`, sub: `subject-${i}`, iat: start / 1000 + i - 1 }))
    expect(verdict).toBe(i < 900 ? 'forgotten' : 'revoked')
  }
  const fresh = token({ iat: start / 1000 + 1_000 })
  expect(set.check(fresh)).toBe('active')
  // Read again from the database, what was dropped stays out.
  set.add(revocation('session', 'subject-1', 1_000))
  expect(set.size).toBe(100)
  expect(set.check(fresh)).toBe('active')
})
