import type { KubernetesObject } from '../../../kube/objects.ts'
import { group } from '../../api/group.ts'
import type { AuthService } from '../../api/schema.ts'
import { defaultClassAnnotation, type IngressClass } from '../../model/exposure.ts'
import {
  clientsAnnotation,
  colorLabel,
  componentLabel,
  instanceLabel,
  managedByLabel,
  revisionLabel,
} from '../../model/labels.ts'
import { controllerOf, type Manifest } from '../../model/manifest.ts'
import type { EndpointSlice, LabelledPod } from '../../model/observed-objects.ts'

/** The managed fields are often longer than the object, and no reader of a cache needs them. */
export function withoutManagedFields<T extends { metadata: KubernetesObject['metadata'] }>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Maximum number of annotations of an AuthService that are kept; the operator knows a dozen. */
const mostAnnotations = 50
/** Maximum length of such an annotation. */
const mostOfAnnotation = 253

/**
 * An AuthService with the annotations of the operator. A user can add others, and labels, up to the limit of the API
 * server.
 */
export function withOwnAnnotations(authService: AuthService): AuthService {
  const { name, namespace, uid, generation, resourceVersion, ...rest } = authService.metadata
  const { creationTimestamp, deletionTimestamp, annotations = {} } = rest
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(`${group}/`))
  // A copy: a part of a text would keep the whole text in memory. Fields that are undefined are omitted.
  const metadata = copyOf<AuthService['metadata']>(mostOfAnnotation, {
    name,
    namespace,
    uid,
    generation,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    ...(own.length > 0 && { annotations: Object.fromEntries(own.slice(0, mostAnnotations)) }),
  })
  return { ...authService, metadata }
}

/**
 * A longer child is kept without its content. The longest children that the operator creates have a fifth of this
 * length. Only the Secret with the clients of an OpenID provider can be longer, up to 1.4 million characters: with about
 * 300 clients or more, each reconcile reads it.
 */
const mostCharacters = 128 * 1024

/** A child in the form in which a cache keeps it. */
export type CachedChild = Manifest & {
  /** The content was too long: only identity and labels are kept. */
  isCut?: true
}

/**
 * A child without unused fields. Tenants can add content up to the limit of the API server.
 * @param room maximum number of characters to keep
 */
export function withoutBulk(child: Manifest, room = mostCharacters): CachedChild {
  const slim = withoutManagedFields(child)
  if (!isLongerThan(Math.min(room, mostCharacters), slim)) return slim
  const { deletionTimestamp } = child.metadata
  const labels = readLabels(child.metadata.labels)
  const identity = withIdentityOnly(child)
  const metadata = {
    ...identity.metadata,
    ...(labels !== undefined && { labels }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  }
  return { ...identity, metadata, isCut: true }
}

function isLongerThan(most: number, value: unknown): boolean {
  return left(most, value) < 0
}

/** @returns the rest of an allowance of characters after keys and texts; any other value counts as one */
function left(allowance: number, value: unknown): number {
  if (allowance < 0) return allowance
  if (typeof value === 'string') return allowance - value.length
  if (typeof value !== 'object' || value === null) return allowance - 1
  let rest = allowance
  for (const [key, field] of Object.entries(value)) rest = left(rest - key.length, field)
  return rest
}

/**
 * The identity of a child; the rest is kept as text, by owner. An object can have any number of owners, so only its
 * controller is kept.
 */
export function withIdentityOnly(child: Manifest): Manifest {
  const { apiVersion, kind, metadata } = child
  const { name, namespace, uid, resourceVersion } = metadata
  const controller = controllerOf(child)
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(controller !== undefined && { ownerReferences: [controller] }),
    },
  }
}

/** The part of a Pod that shows whose it is, where it is, and why it is not ready: a tenth of it. */
export function withReasonsOnly<T extends LabelledPod & KubernetesObject>(pod: T): T {
  const { name, namespace, uid, resourceVersion, labels, creationTimestamp, deletionTimestamp } = pod.metadata
  const refreshedFor = pod.metadata.annotations?.[clientsAnnotation]
  const { phase, podIP, conditions, initContainerStatuses, containerStatuses } = pod.status ?? {}
  return copyOf<T>(mostOfText, {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels: readLabels(labels),
      ...(refreshedFor !== undefined && { annotations: { [clientsAnnotation]: refreshedFor } }),
    },
    status: {
      phase,
      podIP,
      conditions: conditions?.slice(0, mostEntries),
      initContainerStatuses: initContainerStatuses?.slice(0, mostEntries).map(withStateOnly),
      containerStatuses: containerStatuses?.slice(0, mostEntries).map(withStateOnly),
    },
  })
}

/** The labels by which the operator finds objects. An object may have any number of other labels. */
const labelsThatAreRead = [
  managedByLabel.name,
  instanceLabel,
  componentLabel,
  colorLabel,
  revisionLabel,
  'batch.kubernetes.io/job-name',
  'kubernetes.io/service-name',
]

function readLabels(labels: Record<string, string> | undefined): Record<string, string> | undefined {
  if (labels === undefined) return undefined
  return Object.fromEntries(labelsThatAreRead.flatMap((name) => (name in labels ? [[name, labels[name] ?? '']] : [])))
}

/** A kubelet writes up to 4 KiB of container output; another writer of the pod status may write more. */
const mostOfText = 5_000
/** Maximum number of containers, or conditions, of a pod. */
const mostEntries = 32
/** Maximum length of a name. */
const mostOfName = 253

/**
 * A copy of the kept fields, with a maximum length for each text. A substring that is not copied would keep the whole
 * text in memory. Fields that are undefined are omitted, as in JSON.
 */
function copyOf<T>(mostCharacters: number, kept: object): T {
  const cut = (_: string, value: unknown) => (typeof value === 'string' ? value.slice(0, mostCharacters) : value)
  // Every omitted field is optional in the type.
  return JSON.parse(JSON.stringify(kept, cut))
}

type ContainerStatus = NonNullable<NonNullable<LabelledPod['status']>['containerStatuses']>[number]

function withStateOnly({ name, image, ready, restartCount, state, lastState }: ContainerStatus): object {
  return { name, image, ready, restartCount, state, lastState }
}

/**
 * The part of an EndpointSlice that shows the ready pods of a Service. The API server does not validate these names.
 */
export function withTargetsOnly<T extends EndpointSlice & KubernetesObject>(slice: T): T {
  const { name, namespace, uid, resourceVersion, labels } = slice.metadata
  return copyOf<T>(mostOfName, {
    apiVersion: slice.apiVersion,
    kind: slice.kind,
    metadata: { name, namespace, uid, resourceVersion, labels: readLabels(labels) },
    endpoints: slice.endpoints?.map(({ conditions, targetRef }) => ({
      conditions,
      targetRef: targetRef && { kind: targetRef.kind, name: targetRef.name },
    })),
  })
}

/** The part of an IngressClass that shows its controller, and whether it is the default. */
export function withControllerOnly<T extends KubernetesObject & IngressClass>(ingressClass: T): T {
  const { name, uid, resourceVersion, annotations } = ingressClass.metadata
  const isDefault = annotations?.[defaultClassAnnotation]
  return copyOf<T>(mostOfName, {
    apiVersion: ingressClass.apiVersion,
    kind: ingressClass.kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(isDefault !== undefined && { annotations: { [defaultClassAnnotation]: isDefault } }),
    },
    spec: { controller: ingressClass.spec?.controller },
  })
}
