import { keyOf } from '../../kube/objects.ts'
import type { AuthServiceStatus } from '../api/schema.ts'
import type { SlotWait } from './decide/observation.ts'
import { isInProgress } from './decide/phases.ts'
import { parseRolloutStatus } from './rollout-status.ts'

/** The part of an AuthService that determines whether it needs a slot. */
export interface RollingAuthService {
  metadata: { namespace: string; name: string }
  status?: AuthServiceStatus | undefined
}

/**
 * Time in milliseconds for which a granted slot counts before status shows the rollout: longer than a reconcile may
 * take.
 */
const grantMilliseconds = 150_000

/** A waiting AuthService, and since when it waits, in Unix milliseconds. */
interface Waiter {
  key: string
  since: number
}

/**
 * Limits how many AuthServices roll out at the same time. Without a limit, a new release of the operator would start
 * all rollouts at once. The AuthService that has waited longest goes first. The statuses are the record, so another
 * operator continues with the same slots. In addition, this process remembers the slots that it has granted and that no
 * status shows yet.
 *
 * `update` receives each change of a status, so that `acquire` does not have to read the other AuthServices.
 */
export class RolloutSlots {
  readonly #limit: number
  readonly #rolling = new Set<string>()
  readonly #waitingSince = new Map<string, number>()
  /** The same, in order of waiting time, longest first. */
  readonly #queue: Waiter[] = []
  readonly #granted = new Map<string, number>()

  /** @param limit 0: no limit */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Records the current state of an AuthService. */
  update(authService: RollingAuthService): void {
    const key = keyOf(authService)
    const record = parseRolloutStatus(authService.status)
    if (holdsSlot(record)) {
      this.#rolling.add(key)
      // From now on, the status is the record, and the end of the rollout frees the slot.
      this.#granted.delete(key)
    } else this.#rolling.delete(key)
    this.#leaveQueue(key)
    if (record.waitingSince !== undefined) this.#enterQueue({ key, since: record.waitingSince.getTime() })
  }

  /** Forgets a deleted AuthService. */
  forget(authService: RollingAuthService): void {
    const key = keyOf(authService)
    this.#rolling.delete(key)
    this.#granted.delete(key)
    this.#leaveQueue(key)
  }

  /** Acquires a slot. @returns undefined if the rollout may start; otherwise the reason for waiting */
  acquire(authService: RollingAuthService, now: Date): SlotWait | undefined {
    if (this.#limit === 0) return undefined
    const key = keyOf(authService)
    for (const [granted, at] of this.#granted) if (now.getTime() - at > grantMilliseconds) this.#granted.delete(granted)
    const granted = [...this.#granted.keys()].filter((other) => other !== key)
    const inProgress = this.#rolling.size - (this.#rolling.has(key) ? 1 : 0) + granted.length
    const self = { key, since: this.#waitingSince.get(key) ?? now.getTime() }
    const served = granted.filter((other) => isBefore({ key: other, since: this.#waitingSince.get(other) }, self))
    const ahead = this.#positionInQueue(self) - served.length
    if (this.#granted.has(key) || inProgress + ahead < this.#limit) {
      this.#granted.set(key, now.getTime())
      return undefined
    }
    return { inProgress, limit: this.#limit, ahead }
  }

  #enterQueue(waiter: Waiter): void {
    this.#waitingSince.set(waiter.key, waiter.since)
    this.#queue.splice(this.#positionInQueue(waiter), 0, waiter)
  }

  #leaveQueue(key: string): void {
    const since = this.#waitingSince.get(key)
    if (since === undefined) return
    this.#waitingSince.delete(key)
    this.#queue.splice(this.#positionInQueue({ key, since }), 1)
  }

  /** Number of AuthServices that have waited longer, by bisection. */
  #positionInQueue(waiter: Waiter): number {
    let [low, high] = [0, this.#queue.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#queue[middle]
      if (other !== undefined && isBefore(other, waiter)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Whether the first of two has waited longer. An AuthService that does not wait comes after all others. */
function isBefore({ key, since }: { key: string; since: number | undefined }, other: Waiter): boolean {
  return since !== undefined && (since < other.since || (since === other.since && key < other.key))
}

/**
 * A first revision needs no slot, because nothing serves that it could disturb. A revision that awaits promotion does
 * no work and may wait forever, so it needs none either. After its promotion it occupies a slot again, even beyond the
 * limit.
 */
function holdsSlot({ phase, currentRevision }: ReturnType<typeof parseRolloutStatus>): boolean {
  return currentRevision !== undefined && isInProgress(phase) && phase !== 'AwaitingPromotion'
}
