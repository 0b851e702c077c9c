import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { isInProgress, type RolloutPhase } from '../../operator/authservice/rollout/decide/phases.ts'

/** How many AuthServices rolled out at the same time, and which of them had to wait. */
export class RolloutPeak {
  #most = 0
  readonly #waited = new Set<string>()

  /** Takes the statuses at one moment into account, by the name of the AuthService. */
  observe(statuses: ReadonlyMap<string, AuthServiceStatus>): void {
    const rolling = [...statuses.values()].filter(isRollingOut)
    this.#most = Math.max(this.#most, rolling.length)
    for (const [name, { rollout }] of statuses) if (rollout?.waitingSince !== undefined) this.#waited.add(name)
  }

  /** The most AuthServices that rolled out at the same time. */
  get most(): number {
    return this.#most
  }

  /** AuthServices that waited for others. */
  get waited(): readonly string[] {
    return [...this.#waited].sort()
  }
}

/** As decision 35 counts: not a first revision, and not one that waits for its promotion. */
function isRollingOut({ currentRevision, rollout }: AuthServiceStatus): boolean {
  if (rollout === undefined || currentRevision === undefined) return false
  // The schema calls it a word. The operator writes nothing else than its phases.
  return isInProgress(rollout.phase as RolloutPhase) && rollout.phase !== 'AwaitingPromotion'
}
