import { idOf, type Manifest } from '../model/manifest.ts'
import { desiredHashAnnotation, withDesiredHash } from './desired-hash.ts'
import { asJson, differences, isObject, withoutEntriesOfOthers } from './differences.ts'
import { type KeptField, keptFields } from './kept-fields.ts'

/** Why a child is applied. `drifted`: the desired state is unchanged, but the live object no longer contains it. */
export type ApplyReason = 'missing' | 'changed' | 'drifted'

/** One planned write. */
export interface PlannedApply<T extends Manifest = Manifest> {
  manifest: T
  reason: ApplyReason
  /** Paths at which the live object differs. Empty if it is missing, or if fields were only removed. */
  paths: string[]
  /** Another client added to a list or object that the operator owns completely. */
  hasOthers: boolean
}

/** The complete difference between the desired and the live children. */
export interface ApplyPlan<T extends Manifest = Manifest> {
  apply: PlannedApply<T>[]
  /** Live children that are no longer desired. */
  prune: Manifest[]
  /** Children that are being deleted, and must be gone before they can be created again. */
  terminating: Manifest[]
  /** Children with fields that cannot be written, or that an admission policy keeps unchanged. */
  kept: { child: T; fields: KeptField[] }[]
}

/** @returns whether writing a child again would leave these fields unchanged */
export type AreKept = (wanted: Manifest, fields: readonly KeptField[]) => boolean

/**
 * Compares the desired children with the live ones of the same owner.
 *
 * @param desired every desired child, complete
 * @param live every existing child, by the uid of the owner
 * @param areKept fields that earlier writes could not change
 */
export function planApply<T extends Manifest>(
  desired: readonly T[],
  live: readonly Manifest[],
  areKept: AreKept = () => false,
): ApplyPlan<T> {
  const liveById = new Map(live.map((object) => [idOf(object), object]))
  const wanted = new Set(desired.map(idOf))
  const plan: ApplyPlan<T> = { apply: [], prune: [], terminating: [], kept: [] }
  for (const manifest of desired) {
    const stamped = withDesiredHash(manifest)
    const found = liveById.get(idOf(manifest))
    if (found?.metadata.deletionTimestamp !== undefined) {
      plan.terminating.push(found)
      continue
    }
    const possible = found === undefined ? stamped : asExisting(stamped, found)
    const needed = needsApply(possible, found)
    const isAsFarAsCanBe =
      found !== undefined && needed?.reason === 'drifted' && areKept(possible, keptFields(possible, found))
    if (needed !== undefined && !isAsFarAsCanBe) plan.apply.push({ manifest: bound(possible, found), ...needed })
    const fields = found === undefined || needed?.reason === 'changed' ? [] : keptFields(stamped, found)
    if ((needed === undefined || isAsFarAsCanBe) && fields.length > 0) plan.kept.push({ child: manifest, fields })
  }
  plan.prune = live.filter((object) => !wanted.has(idOf(object)) && isPrunable(object))
  return plan
}

/**
 * Whether a child must be written, and why.
 *
 * @param desired the desired child with its hash annotation
 * @param live the existing child; undefined if there is none
 * @returns undefined if the live child matches
 */
export function needsApply(desired: Manifest, live: Manifest | undefined): Omit<PlannedApply, 'manifest'> | undefined {
  if (live === undefined) return { reason: 'missing', paths: [], hasOthers: false }
  const paths = differences(asJson(desired), asJson(live))
  const hashPath = `metadata.annotations["${desiredHashAnnotation}"]`
  const drifted = paths.filter((path) => path !== hashPath && path !== 'metadata.annotations')
  const hasOthers = paths.length > 0 && withoutEntriesOfOthers(asJson(desired), asJson(live)) !== undefined
  const wanted = desired.metadata.annotations?.[desiredHashAnnotation]
  const applied = live.metadata.annotations?.[desiredHashAnnotation]
  // Another writer removed the hash: the operator always writes one.
  if (applied !== undefined && applied !== wanted) return { reason: 'changed', paths: drifted, hasOthers }
  return paths.length > 0 ? { reason: 'drifted', paths, hasOthers } : undefined
}

/** Fields of spec that can change in an existing StatefulSet. */
const mutableOfStatefulSet = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'minReadySeconds',
  'persistentVolumeClaimRetentionPolicy',
])

/**
 * The part of the desired state that can apply to an existing child: a Job is immutable, including changes that an
 * admission policy made when it was created, and so are parts of a StatefulSet. If the spec changes one of these, the
 * error of the API server must be visible.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export function asExisting<T extends Manifest>(wanted: T, live: Manifest): T {
  const [ours, theirs] = [asJson(wanted), asJson(live)]
  if (!isObject(ours) || !isObject(theirs) || !isObject(ours['spec']) || !isObject(theirs['spec'])) return wanted
  const { spec } = ours
  const existing = theirs['spec']
  // The name of our Jobs depends on their spec: another spec has another name.
  if (wanted.kind === 'Job') return { ...wanted, spec: existing }
  const isSameWish =
    wanted.metadata.annotations?.[desiredHashAnnotation] === live.metadata.annotations?.[desiredHashAnnotation]
  if (wanted.kind !== 'StatefulSet' || !isSameWish) return wanted
  const fixed = Object.keys(spec).filter((field) => !mutableOfStatefulSet.has(field))
  return { ...wanted, spec: { ...spec, ...Object.fromEntries(fixed.map((field) => [field, existing[field]])) } }
}

/**
 * The new content of a Secret was decided from its current content. With the resource version that was read, the API
 * server rejects a write that is based on outdated content, so it cannot replace newer keys.
 */
function bound<T extends Manifest>(manifest: T, live: Manifest | undefined): T {
  const resourceVersion = live?.metadata.resourceVersion
  if (manifest.kind !== 'Secret' || resourceVersion === undefined) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, resourceVersion } }
}

/** Volumes contain the users; no change of a spec may delete them. */
function isPrunable({ kind, metadata }: Manifest): boolean {
  return kind !== 'PersistentVolumeClaim' && metadata.deletionTimestamp === undefined
}
