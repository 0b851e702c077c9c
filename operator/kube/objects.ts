/** The fields that every object of the Kubernetes API has. */
export interface KubernetesObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** The fields of ObjectMeta that controllers use. */
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFieldsEntry[]
}

/** Who wrote which fields. @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
interface ManagedFieldsEntry {
  manager?: string
  operation?: string
  subresource?: string
  time?: string
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** A time as meta/v1 MicroTime. The microseconds are zero, because JavaScript clocks do not provide them. */
export function microTime(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z')
}

/** A kind, and where the API serves it. */
export interface Resource {
  /** `v1`, or group and version: `apps/v1`. */
  apiVersion: string
  kind: string
  /** As in paths: `deployments`. */
  plural: string
  namespaced: boolean
}

/** Identifies an object of one kind: `namespace/name`, or only the name of a cluster-scoped object. */
export type ObjectKey = string

export function keyOf({ metadata }: Pick<KubernetesObject, 'metadata'>): ObjectKey {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
}

export function splitKey(key: ObjectKey): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/**
 * Whether `one` is a later state than `other`, both of one kind. Later versions are greater numbers, of any length. If
 * an API server has versions that are not numbers, no state is known to be later.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export function isLater(one: KubernetesObject, other: KubernetesObject): boolean {
  const [later, earlier] = [versionOf(one), versionOf(other)]
  return later !== undefined && earlier !== undefined && later > earlier
}

function versionOf({ metadata: { resourceVersion = '' } }: KubernetesObject): bigint | undefined {
  return /^[1-9]\d*$/.test(resourceVersion) ? BigInt(resourceVersion) : undefined
}

/**
 * The path of a collection, or of one object in it.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */
export function pathOf({ apiVersion, plural, namespaced }: Resource, namespace?: string, name?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}
