import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { isInProgress, type RolloutPhase } from '../../operator/authservice/rollout/decide/phases.ts'

/** How many AuthServices rolled out at the same time, and which of them had to wait. */
export class RolloutPeak {
  #highest = 0
  readonly #waited = new Set<string>()

  /** Takes the statuses at one moment into account, by the name of the AuthService. */
  observe(statuses: ReadonlyMap<string, AuthServiceStatus>): void {
    const rolling = [...statuses.values()].filter(isRollingOut)
    this.#highest = Math.max(this.#highest, rolling.length)
    for (const [name, { rollout }] of statuses) if (rollout?.waitingSince !== undefined) this.#waited.add(name)
  }

  /** The highest number of AuthServices that rolled out at the same time. */
  get highest(): number {
    return this.#highest
  }

  /** AuthServices that waited for others. */
  get waited(): readonly string[] {
    return [...this.#waited].sort()
  }
}

/** Counts like decision 35: neither first revisions nor those that wait for promotion. */
function isRollingOut({ currentRevision, rollout }: AuthServiceStatus): boolean {
  if (rollout === undefined || currentRevision === undefined) return false
  // The schema declares a string. The operator writes only its phases.
  return isInProgress(rollout.phase as RolloutPhase) && rollout.phase !== 'AwaitingPromotion'
}
