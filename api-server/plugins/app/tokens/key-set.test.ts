import { expect, test } from 'vitest'
import { signingKeyAt } from './key-set.ts'

const old = { kid: 'old', activateAt: '2026-01-01T00:00:00Z', retireAt: '2026-03-01T00:16:00Z' }
const next = { kid: 'next', activateAt: '2026-03-01T00:00:00Z' }

test.each([
  ['2025-12-31T23:59:59.999Z', undefined],
  ['2026-01-01T00:00:00Z', 'old'],
  ['2026-02-28T23:59:59.999Z', 'old'],
  ['2026-03-01T00:00:00Z', 'next'],
  ['2026-03-02T00:00:00Z', 'next'],
])('at %s the key that signs is %s', (now, kid) => {
  expect(signingKeyAt([next, old], new Date(now))?.kid).toBe(kid)
})

test('a key that is retired does not sign, even when no other can', () => {
  expect(signingKeyAt([old], new Date('2026-03-01T00:16:00Z'))).toBeUndefined()
})

test('dates are compared as times, whatever digits they have', () => {
  const exact = { kid: 'exact', activateAt: '2026-03-01T00:00:00.500Z' }
  expect(signingKeyAt([exact, next], new Date('2026-03-01T00:00:01Z'))?.kid).toBe('exact')
})
