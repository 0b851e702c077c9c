import { type Bucket, partOf, shapeOf, take } from './bucket.ts'
import type { Counters, LockSubject, Taken } from './counters.ts'
import { current, type LockPolicy, type LockState, type Settlement, settle } from './lock.ts'

/** Entries of each kind that are kept: about 10 MB. The one that was not used for longest goes first. */
const mostEntries = 50_000

/** Counts in this process alone, its part of each limit: `limit / servers`. For the time that Redis is away. */
export class LocalCounters implements Counters {
  readonly #peers: { readonly count: number }
  readonly #now: () => number
  readonly #buckets = new Map<string, number>()
  readonly #locks = new Map<string, LockState>()
  readonly #unlocked = new Map<string, number>()

  /** @param peers how many servers share the limits, this one included */
  constructor(peers: { readonly count: number }, now: () => number = Date.now) {
    this.#peers = peers
    this.#now = now
  }

  async take(buckets: readonly [Bucket, ...Bucket[]]): Promise<Taken> {
    const shapes = buckets.map((bucket) => partOf(shapeOf(bucket), this.#peers.count))
    const fullAt = buckets.map(({ key }) => this.#buckets.get(key))
    const taken = take(shapes, fullAt, this.#now())
    buckets.forEach(({ key }, index) => {
      remember(this.#buckets, key, taken.fullAt[index] ?? 0)
    })
    const bucket = buckets[taken.tightest] ?? buckets[0]
    return { ...taken.allowance, bucket, limit: shapes[taken.tightest]?.capacity ?? 0 }
  }

  async lockLeft(subject: LockSubject, policy: LockPolicy): Promise<number> {
    return Math.max(0, (this.#stateOf(subject, policy)?.lockedUntil ?? 0) - this.#now())
  }

  async settle(subject: LockSubject, isRight: boolean, policy: LockPolicy): Promise<Settlement> {
    const part = { ...policy, lockAtFailure: Math.max(1, Math.floor(policy.lockAtFailure / this.#peers.count)) }
    const { settlement, state } = settle(this.#stateOf(subject, policy), isRight, part, this.#now())
    if (state === undefined) this.#locks.delete(subject.key)
    else remember(this.#locks, subject.key, state)
    return settlement
  }

  async unlock(account: string, _policy: LockPolicy, bucketKeys: readonly string[]): Promise<void> {
    remember(this.#unlocked, account, this.#now())
    for (const key of bucketKeys) this.#buckets.delete(key)
  }

  #stateOf({ key, account }: LockSubject, policy: LockPolicy): LockState | undefined {
    return current(this.#locks.get(key), this.#unlocked.get(account), policy, this.#now())
  }
}

/** Puts the entry last, and drops the first when there are too many. */
function remember<Value>(entries: Map<string, Value>, key: string, value: Value): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= mostEntries) return
  for (const oldest of entries.keys()) {
    entries.delete(oldest)
    return
  }
}
