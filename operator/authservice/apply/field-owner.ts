import { instanceLabel, managedByLabel } from '../model/labels.ts'
import { controllerOf, type Manifest } from '../model/manifest.ts'

/** Field manager of everything that the operator applies. */
export const fieldManager = 'authservice-operator'
/** Field manager of the replica counts that the operator writes through the scale subresource. */
const scaleFieldManager = 'authservice-operator-scale'

/**
 * Whether an AuthService may adopt an object that has the name of one of its children: the object has no controller,
 * and the operator created it. If an edit removed its owner, the managed fields still show who wrote it; if another
 * program restored it from a backup, the labels remain.
 */
export function mayBeAdopted(live: Manifest, authService: string): boolean {
  const { labels } = live.metadata
  const isFree = controllerOf(live) === undefined
  const isLabelled = labels?.[managedByLabel.name] === managedByLabel.value && labels[instanceLabel] === authService
  return isFree && (isLabelled || wasApplied(live))
}

/** Whether the operator created the object. */
export function wasApplied({ metadata }: Manifest): boolean {
  return (metadata.managedFields ?? []).some(
    ({ manager, operation }) => manager === fieldManager && operation === 'Apply',
  )
}

/**
 * The last writer of the object, apart from the operator and the controllers that report status.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function lastEditor({ metadata }: Manifest): string | undefined {
  const others = (metadata.managedFields ?? []).filter(
    ({ manager, subresource }) => manager !== fieldManager && manager !== scaleFieldManager && subresource !== 'status',
  )
  const newest = others.sort((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1)
  return newest?.manager
}
