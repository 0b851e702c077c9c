import { expect, test } from 'vitest'
import { type Lease, mayHold, observe } from './leader-election.ts'

const lease = (holderIdentity: string, renewTime = '2026-01-01T00:00:00.000000Z'): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'operator' },
  spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
})

test('a lease of another is respected for its duration by the local clock, whatever time is written in it', () => {
  const seen = observe(lease('other', '1990-01-01T00:00:00.000000Z'), undefined, 1_000)
  expect(mayHold(seen, 'me', 1_000)).toBe(false)
  expect(mayHold(seen, 'me', 15_999)).toBe(false)
  expect(mayHold(seen, 'me', 16_000)).toBe(true)
})

test('the time runs from the last change of the record, not from the last look', () => {
  const first = observe(lease('other'), undefined, 0)
  const again = observe(lease('other'), first, 10_000)
  expect(mayHold(again, 'me', 15_000)).toBe(true)
  const renewed = observe(lease('other', '2026-01-01T00:00:10.000000Z'), first, 10_000)
  expect(mayHold(renewed, 'me', 15_000)).toBe(false)
})

test('a lease that was given back, and our own, may be taken at once', () => {
  expect(mayHold(observe(lease(''), undefined, 0), 'me', 0)).toBe(true)
  expect(mayHold(observe(lease('me'), undefined, 0), 'me', 0)).toBe(true)
})
