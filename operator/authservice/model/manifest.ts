import type { ObjectMeta, OwnerReference } from '../../kube/objects.ts'

/** The part of a Kubernetes object that planning needs; the rest is compared as JSON. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
}

/** Identity of an object within one namespace, across versions of its API. */
export function idOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return `${kind}.${group}/${metadata.name}`
}

/** The owner that manages an object; there is at most one. */
export function controllerOf({
  metadata,
}: {
  metadata: Pick<ObjectMeta, 'ownerReferences'>
}): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)
}
