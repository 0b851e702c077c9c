import { contentHash } from './content-hash.ts'
import { differences, type Json, withoutEntriesOfOthers } from './differences.ts'

/** The part of a Kubernetes object that planning needs; everything else is compared as JSON. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: Metadata
}
interface Metadata {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: {
    apiVersion: string
    kind: string
    name: string
    uid: string
    controller?: boolean
    blockOwnerDeletion?: boolean
  }[]
  deletionTimestamp?: string
}

/** Hash of what was applied last: it tells a field that is no longer wanted from one that somebody else added. */
export const desiredHashAnnotation = 'auth-operator.dev/desired-hash'

/** Why a child is applied. `drifted`: what we want is the same, but the live object no longer contains it. */
export type ApplyReason = 'missing' | 'changed' | 'drifted'

/** One write to come. */
export interface PlannedApply<T extends Manifest = Manifest> {
  manifest: T
  reason: ApplyReason
  /** Where the live object differs. Empty when it is missing or when fields only went away. */
  paths: string[]
  /** Somebody added an entry to a list that is to hold ours alone. */
  hasOthers: boolean
}

/** The whole difference between what is wanted and what is there. */
export interface ApplyPlan<T extends Manifest = Manifest> {
  apply: PlannedApply<T>[]
  /** Live children that nobody wants any more. */
  prune: Manifest[]
  /** Children that are on their way out and have to be gone before they can be made again. */
  terminating: Manifest[]
}

/**
 * Compares the wanted children with the live ones of the same owner.
 *
 * @param desired every child that is wanted, complete
 * @param live every child that is there, by the owner's uid
 */
export function planApply<T extends Manifest>(desired: readonly T[], live: readonly Manifest[]): ApplyPlan<T> {
  const liveById = new Map(live.map((object) => [idOf(object), object]))
  const wanted = new Set(desired.map(idOf))
  const plan: ApplyPlan<T> = { apply: [], prune: [], terminating: [] }
  for (const manifest of desired) {
    const stamped = withDesiredHash(manifest)
    const found = liveById.get(idOf(manifest))
    if (found?.metadata.deletionTimestamp !== undefined) {
      plan.terminating.push(found)
      continue
    }
    const needed = needsApply(stamped, found)
    if (needed !== undefined) plan.apply.push({ manifest: bound(stamped, found), ...needed })
  }
  plan.prune = live.filter((object) => !wanted.has(idOf(object)) && isPrunable(object))
  return plan
}

/**
 * Whether a child has to be written, and why.
 *
 * @param desired the wanted child with its hash annotation
 * @param live the child as it is, undefined when it does not exist
 * @returns undefined when the live child is as it should be
 */
export function needsApply(desired: Manifest, live: Manifest | undefined): Omit<PlannedApply, 'manifest'> | undefined {
  if (live === undefined) return { reason: 'missing', paths: [], hasOthers: false }
  const paths = differences(asJson(desired), asJson(live))
  const hashPath = `metadata.annotations["${desiredHashAnnotation}"]`
  const drifted = paths.filter((path) => path !== hashPath && path !== 'metadata.annotations')
  const hasOthers = paths.length > 0 && withoutEntriesOfOthers(asJson(desired), asJson(live)) !== undefined
  const wanted = desired.metadata.annotations?.[desiredHashAnnotation]
  const applied = live.metadata.annotations?.[desiredHashAnnotation]
  // A hash that is gone was taken away by somebody: we always write one.
  if (applied !== undefined && applied !== wanted) return { reason: 'changed', paths: drifted, hasOthers }
  return paths.length > 0 ? { reason: 'drifted', paths, hasOthers } : undefined
}

/** The child with a hash of all that is wanted of it. */
export function withDesiredHash<T extends Manifest>(manifest: T): T {
  const hash = contentHash(redacted(manifest))
  const { metadata } = manifest
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [desiredHashAnnotation]: hash } },
  }
}

/**
 * What a Secret is to hold was decided on what it holds. Bound to the version that was looked at, a write that is
 * based on an old one is refused instead of replacing newer keys.
 */
function bound<T extends Manifest>(manifest: T, live: Manifest | undefined): T {
  const resourceVersion = live?.metadata.resourceVersion
  if (manifest.kind !== 'Secret' || resourceVersion === undefined) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, resourceVersion } }
}

/** Identity of an object within one namespace, across versions of its API. */
export function idOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return `${kind}.${group}/${metadata.name}`
}

/** Volumes hold the users; no change of a spec may take them away. */
function isPrunable({ kind, metadata }: Manifest): boolean {
  return kind !== 'PersistentVolumeClaim' && metadata.deletionTimestamp === undefined
}

/** Values of a Secret stay out of its annotations, even hashed; that they differ is seen by comparing them. */
function redacted(manifest: Manifest): Json {
  const json = asJson(manifest)
  if (manifest.kind !== 'Secret' || !isObject(json) || !isObject(json['data'])) return json
  return { ...json, data: Object.fromEntries(Object.keys(json['data']).map((key) => [key, ''])) }
}

/** Manifests are written as typed interfaces, which TypeScript does not see as JSON; they hold nothing else. */
export function asJson(manifest: Manifest): Json {
  return manifest as unknown as Json
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
