import { type Workload, workloadHealth } from '../model/health.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { desiredHashAnnotation, withDesiredHash } from './desired-hash.ts'
import { asJson, differences, isObject, type Json } from './differences.ts'

/**
 * When a database gets a changed pod template: at once, or when its pod is replaced for another reason.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
 */
type UpdateStrategy = 'RollingUpdate' | 'OnDelete'

/** A live StatefulSet. Its status lacks numbers that are 0. */
export type StatefulSet = Manifest &
  Workload & {
    spec?: { template?: { metadata?: { annotations?: object } }; updateStrategy?: { type?: string } }
    status?: { currentRevision?: string; updateRevision?: string; updatedReplicas?: number }
  }

/**
 * How a pod template differs from the live one. `deferrable`: only in parts that no spec determines, so the pod can
 * keep running. `immediate`: the pod must be replaced.
 */
type TemplateChange = 'none' | 'deferrable' | 'immediate'

/** The children, each StatefulSet with its update strategy. */
export function withUpdateStrategies<T extends Manifest>(
  desired: readonly T[],
  snapshot: Pick<Snapshot, 'children'>,
): T[] {
  return desired.map((child) => {
    if (child.kind !== 'StatefulSet') return child
    const live = findChild<StatefulSet>(snapshot, child.kind, child.metadata.name)
    return withStrategy(child, decideUpdateStrategy(child, live))
  })
}

/**
 * Whether a database gets its template at once. If only parts have changed that the operator determines, it does not:
 * every managed database has a single pod, and logins fail while that of MongoDB restarts.
 *
 * These restart: a database that is not ready, because the change may repair it; one that is already being updated; and
 * one whose template another client has edited, because its pod may run the edited one.
 *
 * @param live undefined: it does not exist yet
 */
export function decideUpdateStrategy(desired: Manifest, live: StatefulSet | undefined): UpdateStrategy {
  if (live === undefined) return 'RollingUpdate'
  const current = strategyOf(live)
  const isWritten = hashOf(withDesiredHash(withStrategy(desired, current))) === hashOf(live)
  // Everything that was written is desired: whatever the live object has in addition was added by another client.
  if (isWritten) return missingIn(live, desired).length === 0 ? current : 'RollingUpdate'
  switch (templateChange(desired, live)) {
    case 'none':
      return current
    case 'deferrable':
      return isFullyAvailable(live) ? 'OnDelete' : 'RollingUpdate'
    case 'immediate':
      return 'RollingUpdate'
  }
}

/**
 * Parts of a template that the operator determines, and that a running pod can do without. Images are not among them: a
 * fix must arrive. The environment contains one value of the spec.
 */
const deferrable =
  /^spec\.template\.spec\.(?:containers\[[^\]]+\]\.(?:command|env(?!\[DATABASE_NAME\])|volumeMounts|(?:startup|readiness|liveness)Probe)|volumes\[(?!data\])[^\]]+\])(?![\w-])/

/** Parts that a spec can add and remove. */
const removable = /^spec\.template\.spec\.(?:imagePullSecrets|containers\[[^\]]+\]\.resources|volumes\[data\])(?![\w-])/

/** Values in deferrable parts that the API server sets if they are omitted. */
const defaulted = /Probe\.(?:timeoutSeconds|periodSeconds|successThreshold|failureThreshold)$|\.defaultMode$/

/** @returns whether a change at this path of a StatefulSet can wait until its pod is replaced */
export function isDeferrable(path: string): boolean {
  return deferrable.test(path)
}

/** @returns whether the template needs a restart if this path of a StatefulSet is removed from it */
export function isRemovable(path: string): boolean {
  return removable.test(path)
}

/** Compares the templates. Values that the API server or another client added are not changes. */
function templateChange(desired: Manifest, live: Manifest): TemplateChange {
  const added = missingIn(live, desired)
  const removed = missingIn(desired, live).filter((path) => !defaulted.test(path))
  if (!added.every(isDeferrable) || removed.some(isRemovable)) return 'immediate'
  return added.length > 0 || removed.some(isDeferrable) ? 'deferrable' : 'none'
}

/** Whether writing this StatefulSet replaces its pod. */
export function replacesPod(desired: Manifest, live: StatefulSet | undefined): boolean {
  return live !== undefined && strategyOf(desired) === 'RollingUpdate' && templateChange(desired, live) !== 'none'
}

/** Its only pod is ready, and is not being updated. */
export function isFullyAvailable(live: StatefulSet | undefined): boolean {
  if (live === undefined) return false
  const { currentRevision, updateRevision, readyReplicas = 0 } = live.status ?? {}
  // With OnDelete, no change replaces the pod, and the current revision stays the earlier one even after it is replaced.
  if (strategyOf(live) === 'OnDelete') return readyReplicas > 0
  return workloadHealth(live, live.metadata.name, []).state === 'ready' && currentRevision === updateRevision
}

/** Whether its pod runs an earlier template until it is replaced. */
export function runsEarlierTemplate(live: StatefulSet | undefined): boolean {
  return live !== undefined && strategyOf(live) === 'OnDelete' && (live.status?.updatedReplicas ?? 0) < 1
}

/** Paths of the values in the template of one object that that of the other one does not have. */
function missingIn(object: Manifest, other: Manifest): string[] {
  return differences(templateOf(other), templateOf(object), 'spec.template')
}

function templateOf(manifest: Manifest): Json {
  return specOf(manifest)['template']
}

function strategyOf(manifest: Manifest): UpdateStrategy {
  const strategy = specOf(manifest)['updateStrategy']
  return isObject(strategy) && strategy['type'] === 'OnDelete' ? 'OnDelete' : 'RollingUpdate'
}

function withStrategy<T extends Manifest>(manifest: T, type: UpdateStrategy): T {
  // The API server sets the partition only if the type is omitted as well.
  const updateStrategy = type === 'OnDelete' ? { type } : { type, rollingUpdate: { partition: 0 } }
  return { ...manifest, spec: { ...specOf(manifest), updateStrategy } }
}

function specOf(manifest: Manifest): { readonly [field: string]: Json } {
  const json = asJson(manifest)
  return isObject(json) && isObject(json['spec']) ? json['spec'] : {}
}

function hashOf({ metadata }: Manifest): string | undefined {
  return metadata.annotations?.[desiredHashAnnotation]
}
