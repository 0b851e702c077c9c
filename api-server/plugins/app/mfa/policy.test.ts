import { expect, test } from 'vitest'
import type { StoredUser } from '../users/user.ts'
import { requiredFrom } from './policy.ts'

const day = 86_400
const since = new Date('2026-11-01T00:00:00Z')
const inDays = (days: number) => new Date(since.getTime() + days * day * 1000)

// biome-ignore format: a table
test.each<[string, Date | null, Date]>([
  ['a user from before the requirement has the grace period', inDays(-1), inDays(14)],
  ['a user from the time of the requirement has none', since, since],
  ['a later user has none', inDays(1), since],
  ['a user of unknown age has none', null, since],
])('%s', (_name, createdAt, from) => {
  // The decision reads nothing else of a user.
  expect(requiredFrom({ created_at: createdAt } as StoredUser, since, 14 * day)).toEqual(from)
})
