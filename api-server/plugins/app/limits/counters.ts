import type { Allowance, Bucket } from './bucket.ts'
import type { LockPolicy, Settlement } from './lock.ts'

/** Whose failures count together, and the account that can be unlocked as a whole. Both are keys, not names. */
export interface LockSubject {
  key: string
  account: string
}

/** The allowance, and the limit that was applied. */
export interface Taken extends Allowance {
  bucket: Bucket
  /** Uses that the bucket has when it is full. */
  limit: number
}

/** Where uses and failures are counted. Times are in milliseconds. */
export interface Counters {
  /** Takes one use from each bucket, or from none when one is empty. */
  take(buckets: readonly [Bucket, ...Bucket[]]): Promise<Taken>
  /** How long the subject is still locked; 0 when it is not. */
  lockLeft(subject: LockSubject, policy: LockPolicy): Promise<number>
  settle(subject: LockSubject, isRight: boolean, policy: LockPolicy): Promise<Settlement>
  /** Forgets the failures of everybody who tried this account, and the uses in these buckets. */
  unlock(account: string, policy: LockPolicy, bucketKeys: readonly string[]): Promise<void>
}
