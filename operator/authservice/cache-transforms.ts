import type { KubernetesObject } from '../kube/objects.ts'
import type { Manifest } from './apply/plan.ts'
import type { EndpointSlice, LabelledPod } from './cluster.ts'

/** What the operator's own objects, and their pods, are found by. */
export const managedByLabel = { name: 'app.kubernetes.io/managed-by', value: 'authservice-operator' } as const

/** The record of field owners is often longer than the object, and nothing that reads a cache needs it. */
export function withoutManagedFields<T extends { metadata: KubernetesObject['metadata'] }>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Of a child what tells whose it is: the rest is kept as text, by owner. */
export function withIdentityOnly({ apiVersion, kind, metadata }: Manifest): Manifest {
  const { name, namespace, uid, resourceVersion, ownerReferences } = metadata
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(ownerReferences !== undefined && { ownerReferences }),
    },
  }
}

/** Of a Pod only what tells whose it is, where it is, and why it is not ready: a tenth of it. */
export function withReasonsOnly<T extends LabelledPod & KubernetesObject>(pod: T): T {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = pod.metadata
  const { phase, podIP, conditions, initContainerStatuses, containerStatuses } = pod.status ?? {}
  // Every field that is left out is optional in the type.
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: { name, namespace, uid, resourceVersion, labels, deletionTimestamp },
    status: {
      ...{ phase, podIP, conditions },
      initContainerStatuses: initContainerStatuses?.map(withStateOnly),
      containerStatuses: containerStatuses?.map(withStateOnly),
    },
  } as T
}

type ContainerStatus = NonNullable<NonNullable<LabelledPod['status']>['containerStatuses']>[number]

function withStateOnly({ name, image, ready, restartCount, state, lastState }: ContainerStatus): ContainerStatus {
  // Every field but the name is optional in the type.
  return { name, image, ready, restartCount, state, lastState } as ContainerStatus
}

/** Of an EndpointSlice only which pods are ready behind which Service. */
export function withTargetsOnly<T extends EndpointSlice & KubernetesObject>(slice: T): T {
  const { name, namespace, uid, resourceVersion, labels } = slice.metadata
  const endpoints = slice.endpoints?.map(({ conditions, targetRef }) => ({ conditions, targetRef }))
  // Every field that is left out is optional in the type.
  return {
    apiVersion: slice.apiVersion,
    kind: slice.kind,
    metadata: { name, namespace, uid, resourceVersion, labels },
    endpoints,
  } as T
}
