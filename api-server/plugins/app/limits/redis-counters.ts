import type { Redis } from 'ioredis'
import type { LockPolicy } from '../../../config/units.ts'
import { type Bucket, shapeOf, tolerance } from './bucket.ts'
import type { Counters, LockSubject, Taken } from './counters.ts'
import type { AttemptResult } from './lock.ts'

/** The time of Redis, which all servers share; a test can pass its own. */
const time = `
local now = tonumber(ARGV[1])
if now == nil then
  local t = redis.call('TIME')
  now = t[1] * 1000 + t[2] / 1000
end
local function number(value) return string.format('%.4f', value) end
`

/** `take` of bucket.ts for all keys at once. ARGV: the time, then interval and capacity of each key. */
const takeScript = `${time}
local count, waits, before, after = #KEYS, {}, {}, {}
local isAllowed, tightest = true, 1
for i = 1, count do
  local interval, capacity = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  before[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now)
  after[i] = before[i] + interval
  waits[i] = after[i] - interval * capacity - now
  if waits[i] > ${tolerance} then isAllowed = false end
end
local moments, least = isAllowed and after or before, nil
local remaining = {}
for i = 1, count do
  local interval, capacity = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  remaining[i] = math.max(0, math.floor(capacity - (moments[i] - now) / interval + ${tolerance}))
  local value = isAllowed and remaining[i] or -waits[i]
  if least == nil or value < least then least, tightest = value, i end
  if isAllowed then redis.call('SET', KEYS[i], number(after[i]), 'PX', math.ceil(after[i] - now)) end
end
local wait = isAllowed and 0 or waits[tightest]
return { isAllowed and 1 or 0, tightest, remaining[tightest], number(wait), number(moments[tightest] - now) }
`

/** `refund` of bucket.ts for all keys. ARGV: the time, then the interval of each key. */
const refundScript = `${time}
for i = 1, #KEYS do
  local earlier = tonumber(redis.call('GET', KEYS[i]) or now) - tonumber(ARGV[1 + i])
  if earlier <= now + ${tolerance} then
    redis.call('DEL', KEYS[i])
  else
    redis.call('SET', KEYS[i], number(earlier), 'PX', math.ceil(earlier - now))
  end
end
`

/** `current` of lock.ts. KEYS: the subject, the account. ARGV[2]: how long failures are remembered. */
const readLock = `
local failures, lockedUntil, lastFailureAt = 0, 0, 0
local state, unlockedAt = redis.call('HMGET', KEYS[1], 'failures', 'until', 'last'), redis.call('GET', KEYS[2])
if state[1] and not (unlockedAt and tonumber(state[3]) <= tonumber(unlockedAt))
  and now < math.max(tonumber(state[2]), tonumber(state[3])) + tonumber(ARGV[2]) then
  failures, lockedUntil, lastFailureAt = tonumber(state[1]), tonumber(state[2]), tonumber(state[3])
end
`

const lockLeftScript = `${time}${readLock}
return number(math.max(0, lockedUntil - now))
`

/** `recordAttempt` of lock.ts. ARGV after the memory: right or not, the failure that locks, the first and the longest lock. */
const recordScript = `${time}${readLock}
if lockedUntil > now then return { 'locked', number(lockedUntil - now), failures } end
if ARGV[3] == '1' then
  redis.call('DEL', KEYS[1])
  return { 'succeeded', '0', failures }
end
local lockAt, first, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
failures = failures + 1
local lock = 0
if failures >= lockAt then lock = math.min(first * 2 ^ math.min(failures - lockAt, 40), longest) end
redis.call('HSET', KEYS[1], 'failures', failures, 'until', lock == 0 and 0 or number(now + lock), 'last', number(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(lock + tonumber(ARGV[2])))
return { 'failed', number(lock), failures }
`

const unlockScript = `${time}
redis.call('SET', KEYS[1], number(now), 'PX', ARGV[2])
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
`

/**
 * Counts for all servers together. Each call is one script, so its reads and writes are atomic. The decisions are those
 * of bucket.ts and lock.ts, rewritten in Lua; a test compares the two.
 */
export class RedisCounters implements Counters {
  readonly #redis: Redis
  readonly #now: () => number | undefined

  constructor(redis: Redis, now: () => number | undefined = () => undefined) {
    this.#redis = redis
    this.#now = now
  }

  async take(buckets: readonly [Bucket, ...Bucket[]]): Promise<Taken> {
    const shapes = buckets.map(shapeOf)
    const [isAllowed, tightest, remaining, wait, reset] = await this.#run<[number, number, number, string, string]>(
      takeScript,
      buckets.map(({ key }) => `auth:limit:${key}`),
      shapes.flatMap(({ interval, capacity }) => [interval, capacity]),
    )
    return {
      isAllowed: isAllowed === 1,
      remaining,
      retryAfter: Number(wait),
      resetAfter: Number(reset),
      bucket: buckets[tightest - 1] ?? buckets[0],
      limit: shapes[tightest - 1]?.capacity ?? 0,
    }
  }

  async refund(buckets: readonly Bucket[]): Promise<void> {
    const keys = buckets.map(({ key }) => `auth:limit:${key}`)
    const intervals = buckets.map((bucket) => shapeOf(bucket).interval)
    await this.#run(refundScript, keys, intervals)
  }

  async lockLeft(subject: LockSubject, { memory }: LockPolicy): Promise<number> {
    return Number(await this.#run<string>(lockLeftScript, keysOf(subject), [memory]))
  }

  async recordAttempt(subject: LockSubject, isValid: boolean, policy: LockPolicy): Promise<AttemptResult> {
    const { memory, lockAtFailure, firstLock, longestLock } = policy
    const [outcome, milliseconds, failures] = await this.#run<[AttemptResult['outcome'], string, number]>(
      recordScript,
      keysOf(subject),
      [memory, isValid ? 1 : 0, lockAtFailure, firstLock, longestLock],
    )
    switch (outcome) {
      case 'locked':
        return { outcome, left: Number(milliseconds) }
      case 'failed':
        return { outcome, failures, lock: Number(milliseconds) }
      case 'succeeded':
        return { outcome, failuresBefore: failures }
    }
  }

  async unlock(account: string, { longestLock, memory }: LockPolicy, bucketKeys: readonly string[]): Promise<boolean> {
    const keys = [unlockedKey(account), ...bucketKeys.map((key) => `auth:limit:${key}`)]
    // As long as any earlier failure is remembered.
    await this.#run(unlockScript, keys, [longestLock + memory])
    return true
  }

  async #run<Answer>(script: string, keys: string[], values: number[]): Promise<Answer> {
    const answer = await this.#redis.eval(script, keys.length, ...keys, this.#now() ?? '', ...values)
    // Results of the scripts above.
    return answer as Answer
  }
}

function keysOf({ key, account }: LockSubject): string[] {
  return [`auth:lock:${key}`, unlockedKey(account)]
}

function unlockedKey(account: string): string {
  return `auth:unlocked:${account}`
}
