import type { KubernetesObject } from '../kube/objects.ts'
import type { LabelledPod } from './cluster.ts'

/** What the operator's own objects, and their pods, are found by. */
export const managedByLabel = { name: 'app.kubernetes.io/managed-by', value: 'authservice-operator' } as const

/** The record of field owners is often longer than the object, and nothing that reads a cache needs it. */
export function withoutManagedFields<T extends { metadata: KubernetesObject['metadata'] }>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Of a Pod only what tells whose it is and why it is not ready: a tenth of it. */
export function withReasonsOnly<T extends LabelledPod & KubernetesObject>(pod: T): T {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = pod.metadata
  const { phase, conditions, initContainerStatuses, containerStatuses } = pod.status ?? {}
  // Every field that is left out is optional in the type.
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: { name, namespace, uid, resourceVersion, labels, deletionTimestamp },
    status: { phase, conditions, initContainerStatuses, containerStatuses },
  } as T
}
