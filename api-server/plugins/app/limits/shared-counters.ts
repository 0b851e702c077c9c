import type { Counters } from './counters.ts'

/** Time after which one request tests a failed Redis again. */
const retryMilliseconds = 1_000

/**
 * Counts in Redis, or locally while Redis is unavailable. A Redis that hangs delays the requests in progress by the
 * command timeout (500 ms). After that, one request a second tests it, and no other request waits.
 */
export function sharedCounters(
  shared: Counters,
  alone: Counters,
  onChange: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Counters {
  let isUnavailable = false
  let askAgainAt = 0
  const either = async <Result>(call: (counters: Counters) => Promise<Result>): Promise<Result> => {
    if (isUnavailable) {
      if (now() < askAgainAt) return call(alone)
      askAgainAt = now() + retryMilliseconds
    }
    try {
      const result = await call(shared)
      if (isUnavailable) onChange(undefined)
      isUnavailable = false
      return result
    } catch (error) {
      if (!isUnavailable) onChange(error)
      isUnavailable = true
      askAgainAt = now() + retryMilliseconds
      return call(alone)
    }
  }
  return {
    take: (buckets) => either((counters) => counters.take(buckets)),
    refund: (buckets) => either((counters) => counters.refund(buckets)),
    lockLeft: (subject, policy) => either((counters) => counters.lockLeft(subject, policy)),
    recordAttempt: (subject, isValid, policy) => either((counters) => counters.recordAttempt(subject, isValid, policy)),
    async unlock(account, policy, bucketKeys) {
      // Both, because local counts must not return in the next outage.
      await alone.unlock(account, policy, bucketKeys)
      return either(async (counters) => counters === shared && counters.unlock(account, policy, bucketKeys))
    },
  }
}
