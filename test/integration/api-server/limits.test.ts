import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { LockPolicy } from '../../../api-server/config/units.ts'
import { LocalCounters } from '../../../api-server/plugins/app/limits/local-counters.ts'
import { RedisCounters } from '../../../api-server/plugins/app/limits/redis-counters.ts'

let redis: Redis

beforeAll(() => {
  redis = new Redis({ ...inject('redis'), keyPrefix: `limits-${randomBytes(6).toString('hex')}:` })
})

afterAll(() => redis.quit())

/** Minutes to hours: Redis expires keys by its own clock, which must not overtake that of the test on a busy machine. */
const policy: LockPolicy = { lockAtFailure: 3, firstLock: 1_000_000, longestLock: 8_000_000, memory: 30_000_000 }
const rates = [
  { count: 3, perSeconds: 1_000 },
  { count: 7, perSeconds: 60_000 },
]

const step = fc.oneof(
  fc.record({ do: fc.constant('take' as const), buckets: fc.subarray([0, 1], { minLength: 1 }), burst: fc.boolean() }),
  fc.record({ do: fc.constant('giveBack' as const), bucket: fc.constantFrom(0, 1) }),
  fc.record({ do: fc.constant('settle' as const), isValid: fc.boolean(), subject: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('lockLeft' as const), subject: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('unlock' as const) }),
)

test('Redis counts exactly as a single server does, in any order of events', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000_000 }), step), { minLength: 5, maxLength: 40 }),
      async (steps) => {
        const prefix = `run${run++}`
        // Keys expire by the clock of Redis, so the test starts at the current time.
        let now = Date.now()
        const shared = new RedisCounters(redis, () => now)
        const alone = new LocalCounters({ count: 1 }, () => now)
        for (const [gap, { do: what, ...given }] of steps) {
          now += gap
          const outcome = async (counters: RedisCounters | LocalCounters) => {
            switch (what) {
              case 'take': {
                const { buckets, burst } = given as { buckets: number[]; burst: boolean }
                const [first, ...others] = buckets.map((index) => ({
                  key: `${prefix}:${index}`,
                  rate: rates[index] ?? { count: 1, perSeconds: 1 },
                  ...(burst && { burst: 2 }),
                }))
                return first === undefined ? undefined : counters.take([first, ...others])
              }
              case 'giveBack': {
                const { bucket } = given as { bucket: number }
                const rate = rates[bucket] ?? { count: 1, perSeconds: 1 }
                return counters.refund([{ key: `${prefix}:${bucket}`, rate }])
              }
              case 'settle': {
                const { subject, isValid } = given as { subject: string; isValid: boolean }
                return counters.recordAttempt({ key: `${prefix}:${subject}`, account: prefix }, isValid, policy)
              }
              case 'lockLeft': {
                const { subject } = given as { subject: string }
                return counters.lockLeft({ key: `${prefix}:${subject}`, account: prefix }, policy)
              }
              case 'unlock':
                return counters.unlock(prefix, policy, [`${prefix}:0`])
            }
          }
          expect(rounded(await outcome(shared))).toEqual(rounded(await outcome(alone)))
        }
      },
    ),
    { numRuns: 60 },
  )
})

/** Rounds times to a hundredth of a millisecond: Redis stores them as text. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null), (_key, part) =>
    typeof part === 'number' ? Math.round(part * 100) / 100 : part,
  )
}

test('of many concurrent uses exactly as many are allowed as the limit permits', async () => {
  const counters = new RedisCounters(redis)
  const bucket = { key: 'at-once', rate: { count: 10, perSeconds: 3_600 } }
  const taken = await Promise.all(Array.from({ length: 100 }, () => counters.take([bucket])))
  expect(taken.filter(({ isAllowed }) => isAllowed)).toHaveLength(10)
})

test('every counter in Redis expires', async () => {
  const counters = new RedisCounters(redis)
  const subject = { key: 'pair', account: 'account' }
  await counters.take([{ key: 'use', rate: { count: 10, perSeconds: 3_600 } }])
  await counters.recordAttempt(subject, false, policy)
  await counters.unlock('account', policy, [])
  for (const key of ['auth:limit:use', 'auth:lock:pair', 'auth:unlocked:account']) {
    expect(await redis.pttl(key), key).toBeGreaterThan(0)
  }
})
