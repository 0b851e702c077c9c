import { isDeepStrictEqual } from 'node:util'
import { keyOf } from '../../kube/objects.ts'
import type { Finding } from '../model/finding.ts'
import { componentLabel } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import type { ApplyPlan, PlannedApply } from './plan.ts'
import { isFullyAvailable, replacesPod, type StatefulSet } from './update-strategy.ts'

/** Time in milliseconds after which a database that is not ready again releases its slot. */
const longestRestartMilliseconds = 600_000

/**
 * Limits how many AuthServices restart a managed database at the same time. Without a limit, a release of the operator
 * with another database image would restart all of them at once. The slots are in memory: a new leader does not know of
 * restarts in progress, so right after it starts, there may be twice as many.
 */
export class DatabaseRestartSlots {
  readonly #limit: number
  readonly #startedAt = new Map<string, number>()

  /** @param limit 0: no limit */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Acquires a slot. @returns whether the databases may restart */
  acquire(key: string, now: Date): boolean {
    for (const [other, at] of this.#startedAt) {
      if (now.getTime() - at > longestRestartMilliseconds) this.#startedAt.delete(other)
    }
    if (this.#limit > 0 && this.#startedAt.size >= this.#limit && !this.#startedAt.has(key)) return false
    this.#startedAt.set(key, this.#startedAt.get(key) ?? now.getTime())
    return true
  }

  release(key: string): void {
    this.#startedAt.delete(key)
  }
}

/**
 * Leaves databases unchanged until a slot is free if the operator changed a part of their template that needs a restart,
 * such as the image. A change by a user or by a rotation of passwords does not wait, nor does a database that is not
 * ready, because the change may repair it.
 *
 * @returns the plan, and the waiting databases
 */
export function postponeRestarts<T extends Manifest>(
  plan: ApplyPlan<T>,
  snapshot: Pick<Snapshot, 'authService' | 'children'>,
  restarts: DatabaseRestartSlots | undefined,
  now: Date,
): { plan: ApplyPlan<T>; waiting: T[] } {
  const { metadata, status } = snapshot.authService
  const key = keyOf({ metadata })
  const liveOf = ({ metadata: { name } }: Manifest) => findChild<StatefulSet>(snapshot, 'StatefulSet', name)
  const isRestart = ({ manifest, reason }: PlannedApply) =>
    manifest.kind === 'StatefulSet' && reason === 'changed' && replacesPod(manifest, liveOf(manifest))
  const restarting = plan.apply.filter(isRestart)
  const databases = snapshot.children.filter(({ kind }) => kind === 'StatefulSet')
  if (restarting.length === 0 && databases.every((one) => isFullyAvailable(liveOf(one)))) restarts?.release(key)
  const isByOperator = metadata.generation === status?.observedGeneration
  const mayWait = ({ manifest }: PlannedApply<T>) =>
    isByOperator &&
    isFullyAvailable(liveOf(manifest)) &&
    isDeepStrictEqual(annotationsOf(manifest), annotationsOf(liveOf(manifest)))
  const waiting = restarting.filter(mayWait)
  if (waiting.length === 0 || restarts === undefined || restarts.acquire(key, now)) return { plan, waiting: [] }
  return {
    plan: { ...plan, apply: plan.apply.filter((one) => !waiting.includes(one)) },
    waiting: waiting.map(({ manifest }) => manifest),
  }
}

/** One finding for each waiting database. */
export function postponedRestartFindings(waiting: readonly Manifest[]): Finding[] {
  return waiting.map(({ metadata: { name, labels } }) => ({
    kind: 'warning',
    condition: labels?.[componentLabel] === 'redis' ? 'RedisReady' : 'MongoDBReady',
    reason: 'RestartPostponed',
    message: `StatefulSet ${name} is waiting to restart, because this release of the operator changed its image or another part of its pod template that needs a restart: MAX_CONCURRENT_ROLLOUTS databases are already restarting.`,
  }))
}

/** They change with a Secret that the database reads only when it starts. */
function annotationsOf(manifest: Manifest | undefined): object {
  // A child is a manifest of the kind that it names.
  return (manifest as StatefulSet | undefined)?.spec?.template?.metadata?.annotations ?? {}
}
