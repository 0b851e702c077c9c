import { type KubernetesObject, keyOf, type ObjectKey } from '../../kube/objects.ts'
import { apiVersion, kind } from '../api/group.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Color } from './colors.ts'
import type { Owner } from './owner.ts'

export type Component = 'server' | 'redis' | 'mongodb' | 'edge' | 'migration' | 'backup' | 'smoke-test'

/** Distinguishes the two Deployments of the server. */
export const colorLabel = 'auth-operator.dev/color'

/** Names the revision of a server pod. */
export const revisionLabel = 'auth-operator.dev/revision'

/**
 * On a server pod: revision of the file of OpenID clients that it should load. A change makes the kubelet update the
 * volumes of the pod.
 */
export const clientsAnnotation = 'auth-operator.dev/oidc-clients'

/** Names the component of an object. */
export const componentLabel = 'app.kubernetes.io/component'

/** Selects all objects of one AuthService. */
export function instanceSelectorOf(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': 'authservice', 'app.kubernetes.io/instance': name }
}

/** Selects the pods of a component. Never changes, because selectors are immutable. */
export function selectorOf(name: string, component: Component, color?: Color): Record<string, string> {
  return {
    ...instanceSelectorOf(name),
    [componentLabel]: component,
    ...(color !== undefined && { [colorLabel]: color }),
  }
}

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function labelsOf(name: string, component?: Component, color?: Color): Record<string, string> {
  return {
    ...(component === undefined ? instanceSelectorOf(name) : selectorOf(name, component, color)),
    'app.kubernetes.io/part-of': name,
    'app.kubernetes.io/managed-by': 'authservice-operator',
  }
}

/**
 * Labels and annotations of the pods of a Job: those of `spec.jobs`, which can exclude a pod from webhooks. Those of
 * `spec.pod` are for servers: a label that adds servers to a mesh would add a container that prevents a Job from
 * completing.
 * @param own labels that select it
 */
export function jobPodMetadata({ jobs: { labels, annotations } }: Pick<ResolvedSpec, 'jobs'>, own: Labels) {
  return { labels: { ...labels, ...own }, ...(Object.keys(annotations).length > 0 && { annotations }) }
}

/**
 * The input of the hash in the name of a Job: a Job is immutable, so another label or annotation, which may allow it to
 * complete, creates another Job. Empty if the spec has none.
 */
export function jobMarks({ jobs: { labels, annotations } }: Pick<ResolvedSpec, 'jobs'>): readonly unknown[] {
  return Object.keys({ ...labels, ...annotations }).length === 0 ? [] : [{ labels, annotations }]
}

type Labels = Readonly<Record<string, string>>

/** Name, labels and owner; the object is deleted together with its owner. */
export function metadataOf({ owner }: { owner: Owner }, name: string, component?: Component, color?: Color) {
  return {
    name,
    namespace: owner.namespace,
    labels: labelsOf(owner.name, component, color),
    ownerReferences: [
      { apiVersion, kind, name: owner.name, uid: owner.uid, controller: true, blockOwnerDeletion: true },
    ],
  }
}

/** Selects the objects that the operator creates, and their pods. */
export const managedByLabel = { name: 'app.kubernetes.io/managed-by', value: 'authservice-operator' } as const

/** Objects that other controllers create for an AuthService have its name in this label. */
export const instanceLabel = 'app.kubernetes.io/instance'

/** The AuthService that the label of an object names; undefined: it has no label. */
export function instanceOf({ metadata }: Pick<KubernetesObject, 'metadata'>): ObjectKey | undefined {
  const name = metadata.labels?.[instanceLabel]
  return name === undefined ? undefined : keyOf({ metadata: { ...metadata, name } })
}

/** Selects the objects with that label. Any user may set it: it proves nothing. */
export const managedBySelector = `${managedByLabel.name}=${managedByLabel.value}`
