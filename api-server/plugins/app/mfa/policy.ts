import type { Collection } from 'mongodb'
import type { MfaConfig } from '../../../config/mfa.ts'
import type { Setting } from '../observability/email-hash.ts'
import { roleOf, type StoredUser } from '../users/user.ts'

/** Which users must have a second factor. */
type PolicySettings = Pick<MfaConfig, 'requiredRoles' | 'gracePeriodSeconds'>

/**
 * From when on a user must have a second factor. A user who was created after the requirement has no grace period; nor
 * has one whose age is unknown.
 *
 * @param since when a second factor became required for the user's role
 */
export function requiredFrom({ created_at: createdAt }: StoredUser, since: Date, graceSeconds: number): Date {
  if (createdAt === null || createdAt >= since) return since
  return new Date(since.getTime() + graceSeconds * 1000)
}

/**
 * The requirement of second factors, as the servers of one deployment share it: the database has the time at which it
 * began for each role. Neither a restart nor another server begins a new grace period. Decision 61.
 */
export class MfaPolicy {
  readonly #settings: Collection<Setting>
  readonly #policy: PolicySettings
  /** By role, as read from the database, where it never changes. */
  readonly #since = new Map<string, Date>()

  constructor(settings: Collection<Setting>, policy: PolicySettings) {
    this.#settings = settings
    this.#policy = policy
  }

  /** From when on the user must have a second factor; null: never. */
  async requiredFrom(user: StoredUser, now: Date): Promise<Date | null> {
    const { requiredRoles, gracePeriodSeconds } = this.#policy
    const role = roleOf(user)
    if (!requiredRoles.has(role)) return null
    return requiredFrom(user, await this.#sinceOf(role, now), gracePeriodSeconds)
  }

  /** Whether the user must have a second factor now. */
  async requires(user: StoredUser, now: Date): Promise<boolean> {
    if (this.#policy.gracePeriodSeconds === 0) return this.#policy.requiredRoles.has(roleOf(user))
    const from = await this.requiredFrom(user, now)
    return from !== null && from <= now
  }

  /** The first time that any server has asked. */
  async #sinceOf(role: string, now: Date): Promise<Date> {
    const known = this.#since.get(role)
    if (known !== undefined) return known
    const stored = await this.#settings.findOneAndUpdate(
      { _id: `mfa_required_since_${role}` },
      { $setOnInsert: { value: now.toISOString() } },
      { upsert: true, returnDocument: 'after' },
    )
    const since = new Date(stored?.value ?? Number.NaN)
    if (Number.isNaN(since.getTime())) {
      throw new Error(`the setting mfa_required_since_${role} is no time: delete it from the collection settings`)
    }
    this.#since.set(role, since)
    return since
  }
}
