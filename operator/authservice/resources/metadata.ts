import { apiVersion, kind } from '../api/group.ts'
import type { Color } from '../rollout/world.ts'
import type { TemplateInput } from './render-input.ts'

export type Component = 'server' | 'redis' | 'mongodb' | 'edge' | 'migration' | 'backup' | 'smoke-test'

/** Tells the two Deployments of the server apart. */
export const colorLabel = 'auth-operator.dev/color'

/** Names the revision that a server pod is of. */
export const revisionLabel = 'auth-operator.dev/revision'

/** Names the component that an object belongs to. */
export const componentLabel = 'app.kubernetes.io/component'

/** What selects the pods of a component. Never changes: a selector cannot. */
export function selectorOf(name: string, component: Component, color?: Color): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'authservice',
    'app.kubernetes.io/instance': name,
    [componentLabel]: component,
    ...(color !== undefined && { [colorLabel]: color }),
  }
}

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function labelsOf(name: string, component?: Component, color?: Color): Record<string, string> {
  return {
    ...(component === undefined
      ? { 'app.kubernetes.io/name': 'authservice', 'app.kubernetes.io/instance': name }
      : selectorOf(name, component, color)),
    'app.kubernetes.io/part-of': name,
    'app.kubernetes.io/managed-by': 'authservice-operator',
  }
}

/** Name, labels and the owner, with which the child is collected when the AuthService goes. */
export function metadataOf(
  { owner }: Pick<TemplateInput, 'owner'>,
  name: string,
  component?: Component,
  color?: Color,
) {
  return {
    name,
    namespace: owner.namespace,
    labels: labelsOf(owner.name, component, color),
    ownerReferences: [
      { apiVersion, kind, name: owner.name, uid: owner.uid, controller: true, blockOwnerDeletion: true },
    ],
  }
}
