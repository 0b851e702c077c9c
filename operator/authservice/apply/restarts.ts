import { isDeepStrictEqual } from 'node:util'
import { keyOf } from '../../kube/objects.ts'
import type { Deployment } from '../model/deployment.ts'
import type { Finding } from '../model/finding.ts'
import { componentLabel } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { edgeName } from '../resources/edge/edge.ts'
import { oldPods } from '../resources/edge/edge-secret.ts'
import type { ApplyPlan, PlannedApply } from './plan.ts'
import { isFullyAvailable, replacesPod, type StatefulSet } from './update-strategy.ts'

/** Time in milliseconds after which a database or edge that is not ready again releases its slot. */
const longestRestartMilliseconds = 600_000

/**
 * Limits how many AuthServices restart a managed database or replace the pods of their edge at the same time. Without a
 * limit, a release of the operator with another image would do so for all of them at once. The slots are in memory: a new leader does not know of
 * restarts in progress, so right after it starts, there may be twice as many.
 */
export class RestartSlots {
  readonly #limit: number
  readonly #startedAt = new Map<string, number>()

  /** @param limit 0: no limit */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Acquires a slot. @returns whether databases and edge may restart */
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
 * Leaves databases and the edge unchanged until a slot is free if the operator changed a part of their template that
 * needs a restart, such as the image. A change by a user or by a rotation of passwords does not wait, nor does one of
 * pods that are not ready, because it may repair them.
 *
 * @returns the plan, and what waits
 */
export function postponeRestarts<T extends Manifest>(
  plan: ApplyPlan<T>,
  snapshot: Pick<Snapshot, 'authService' | 'children'>,
  restarts: RestartSlots | undefined,
  now: Date,
): { plan: ApplyPlan<T>; waiting: T[] } {
  const { metadata, status } = snapshot.authService
  const key = keyOf({ metadata })
  const edge = edgeName({ owner: metadata })
  const isRestartable = ({ kind, metadata: { name } }: Manifest) =>
    kind === 'StatefulSet' || (kind === 'Deployment' && name === edge)
  const liveOf = ({ kind, metadata: { name } }: Manifest) => findChild<Restartable>(snapshot, kind, name)
  const isRestart = ({ manifest, reason }: PlannedApply) =>
    isRestartable(manifest) && reason === 'changed' && replacesPod(manifest, liveOf(manifest))
  const restarting = plan.apply.filter(isRestart)
  const restartables = snapshot.children.filter(isRestartable)
  if (restarting.length === 0 && restartables.every((one) => isSettled(liveOf(one)))) restarts?.release(key)
  const isByOperator = metadata.generation === status?.observedGeneration
  const mayWait = ({ manifest }: PlannedApply<T>) =>
    isByOperator &&
    isSettled(liveOf(manifest)) &&
    isDeepStrictEqual(annotationsOf(manifest), annotationsOf(liveOf(manifest)))
  const waiting = restarting.filter(mayWait)
  if (waiting.length === 0 || restarts === undefined || restarts.acquire(key, now)) return { plan, waiting: [] }
  return {
    plan: { ...plan, apply: plan.apply.filter((one) => !waiting.includes(one)) },
    waiting: waiting.map(({ manifest }) => manifest),
  }
}

/** A database or an edge. A child has the shape of the kind that it names. */
type Restartable = StatefulSet & Deployment

/** Whether all of its pods are ready, and none is about to be replaced. */
function isSettled(live: Restartable | undefined): boolean {
  return isFullyAvailable(live) && (live?.kind !== 'Deployment' || oldPods(live) === 0)
}

const conditions = new Map<string | undefined, Finding['condition']>([
  ['redis', 'RedisReady'],
  ['edge', 'IngressReady'],
])

/** One finding for each database or edge that waits. */
export function postponedRestartFindings(waiting: readonly Manifest[]): Finding[] {
  return waiting.map(({ kind, metadata: { name, labels } }) => ({
    kind: 'warning',
    condition: conditions.get(labels?.[componentLabel]) ?? 'MongoDBReady',
    reason: 'RestartPostponed',
    message: `${kind} ${name} is waiting to replace its pods, because this release of the operator changed its image or another part of its pod template that needs a restart: databases or edges of MAX_CONCURRENT_ROLLOUTS AuthServices are already restarting.`,
  }))
}

/** They change with a Secret that is read only at the start. */
function annotationsOf(manifest: Manifest | undefined): object {
  // A child is a manifest of the kind that it names.
  return (manifest as StatefulSet | undefined)?.spec?.template?.metadata?.annotations ?? {}
}
