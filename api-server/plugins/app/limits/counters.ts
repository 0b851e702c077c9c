import type { LockPolicy } from '../../../config/units.ts'
import type { Allowance, Bucket } from './bucket.ts'
import type { AttemptResult } from './lock.ts'

/**
 * A subject whose failures count together, and its account, which can be unlocked as a whole. Both are keys, not names.
 */
export interface LockSubject {
  key: string
  account: string
}

/** The allowance and the applied limit. */
export interface Taken extends Allowance {
  bucket: Bucket
  /** Number of uses in a full bucket. */
  limit: number
}

/** Counts uses and failures. Times are in milliseconds. */
export interface Counters {
  /** Takes one use from each bucket, or none if one is empty. */
  take(buckets: readonly [Bucket, ...Bucket[]]): Promise<Taken>
  /** Returns one use to each bucket, up to its capacity. */
  refund(buckets: readonly Bucket[]): Promise<void>
  /** Remaining time of the lock; 0 if there is none. */
  lockLeft(subject: LockSubject, policy: LockPolicy): Promise<number>
  recordAttempt(subject: LockSubject, isValid: boolean, policy: LockPolicy): Promise<AttemptResult>
  /**
   * Clears the failures of all clients for this account, and the uses in these buckets.
   *
   * @returns whether no server counts them any more. False while Redis is unavailable, when each server counts alone
   */
  unlock(account: string, policy: LockPolicy, bucketKeys: readonly string[]): Promise<boolean>
}
