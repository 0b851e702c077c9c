import type { Counters } from './counters.ts'

/** A Redis that failed is asked again after so long, by one request alone. */
const retryMilliseconds = 1_000

/**
 * Counts in Redis, and alone while it is away. One that hangs costs the requests that are under way its command
 * time-out (500 ms), and after that one request a second: nobody else waits for it, and nothing queues up.
 */
export function sharedCounters(
  shared: Counters,
  alone: Counters,
  onChange: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Counters {
  let isAway = false
  let askAgainAt = 0
  const either = async <Result>(call: (counters: Counters) => Promise<Result>): Promise<Result> => {
    if (isAway) {
      if (now() < askAgainAt) return call(alone)
      askAgainAt = now() + retryMilliseconds
    }
    try {
      const result = await call(shared)
      if (isAway) onChange(undefined)
      isAway = false
      return result
    } catch (error) {
      if (!isAway) onChange(error)
      isAway = true
      askAgainAt = now() + retryMilliseconds
      return call(alone)
    }
  }
  return {
    take: (buckets) => either((counters) => counters.take(buckets)),
    lockLeft: (subject, policy) => either((counters) => counters.lockLeft(subject, policy)),
    settle: (subject, isRight, policy) => either((counters) => counters.settle(subject, isRight, policy)),
    async unlock(account, policy, bucketKeys) {
      // Both: what this server counted alone must not come back with the next outage.
      await alone.unlock(account, policy, bucketKeys)
      await either((counters) => counters.unlock(account, policy, bucketKeys))
    },
  }
}
