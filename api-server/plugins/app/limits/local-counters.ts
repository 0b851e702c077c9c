import type { LockPolicy } from '../../../config/units.ts'
import { type Bucket, partOf, refund, shapeOf, take } from './bucket.ts'
import type { Counters, LockSubject, Taken } from './counters.ts'
import { type AttemptResult, current, type LockState, recordAttempt } from './lock.ts'

/** Maximum number of entries of each kind: about 10 MB. The least recently used one is removed first. */
const maxEntries = 50_000

/** Counts in this process alone, for its share of each limit: `limit / servers`. Used while Redis is unavailable. */
export class LocalCounters implements Counters {
  readonly #activeServers: { readonly count: number }
  readonly #now: () => number
  readonly #buckets = new Map<string, number>()
  readonly #locks = new Map<string, LockState>()
  readonly #unlocked = new Map<string, number>()

  /** @param activeServers number of servers that share the limits, including this one */
  constructor(activeServers: { readonly count: number }, now: () => number = Date.now) {
    this.#activeServers = activeServers
    this.#now = now
  }

  async take(buckets: readonly [Bucket, ...Bucket[]]): Promise<Taken> {
    const shapes = buckets.map((bucket) => partOf(shapeOf(bucket), this.#activeServers.count))
    const fullAt = buckets.map(({ key }) => this.#buckets.get(key))
    const taken = take(shapes, fullAt, this.#now())
    buckets.forEach(({ key }, index) => {
      remember(this.#buckets, key, taken.fullAt[index] ?? 0)
    })
    const bucket = buckets[taken.tightest] ?? buckets[0]
    return { ...taken.allowance, bucket, limit: shapes[taken.tightest]?.capacity ?? 0 }
  }

  async refund(buckets: readonly Bucket[]): Promise<void> {
    for (const bucket of buckets) {
      const shape = partOf(shapeOf(bucket), this.#activeServers.count)
      const fullAt = refund(shape, this.#buckets.get(bucket.key), this.#now())
      if (fullAt === undefined) this.#buckets.delete(bucket.key)
      else remember(this.#buckets, bucket.key, fullAt)
    }
  }

  async lockLeft(subject: LockSubject, policy: LockPolicy): Promise<number> {
    return Math.max(0, (this.#stateOf(subject, policy)?.lockedUntil ?? 0) - this.#now())
  }

  async recordAttempt(subject: LockSubject, isValid: boolean, policy: LockPolicy): Promise<AttemptResult> {
    const part = { ...policy, lockAtFailure: Math.max(1, Math.floor(policy.lockAtFailure / this.#activeServers.count)) }
    const { result, state } = recordAttempt(this.#stateOf(subject, policy), isValid, part, this.#now())
    if (state === undefined) this.#locks.delete(subject.key)
    else remember(this.#locks, subject.key, state)
    return result
  }

  async unlock(account: string, _policy: LockPolicy, bucketKeys: readonly string[]): Promise<boolean> {
    remember(this.#unlocked, account, this.#now())
    for (const key of bucketKeys) this.#buckets.delete(key)
    return true
  }

  #stateOf({ key, account }: LockSubject, policy: LockPolicy): LockState | undefined {
    return current(this.#locks.get(key), this.#unlocked.get(account), policy, this.#now())
  }
}

/** Moves the entry to the end, and removes the first if there are too many. */
function remember<Value>(entries: Map<string, Value>, key: string, value: Value): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= maxEntries) return
  for (const oldest of entries.keys()) {
    entries.delete(oldest)
    return
  }
}
