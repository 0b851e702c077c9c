import type { Manifest } from './plan.ts'

/** A live object with the record of who wrote which of its fields. */
export type LiveManifest = Manifest & {
  metadata: { managedFields?: { manager?: string; operation?: string; subresource?: string; time?: string }[] }
}

/** Field manager of everything that the operator applies. */
export const fieldManager = 'authservice-operator'
/** Field manager of the counts that it writes through the scale subresource. */
export const scaleFieldManager = 'authservice-operator-scale'

/** Whether the object was made by the operator: an edit that takes its owner away leaves this record. */
export function wasApplied({ metadata }: LiveManifest): boolean {
  return (metadata.managedFields ?? []).some(
    ({ manager, operation }) => manager === fieldManager && operation === 'Apply',
  )
}

/**
 * Who last wrote to the object, besides the operator and the status that controllers report.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function lastEditor({ metadata }: LiveManifest): string | undefined {
  const others = (metadata.managedFields ?? []).filter(
    ({ manager, subresource }) => manager !== fieldManager && manager !== scaleFieldManager && subresource !== 'status',
  )
  const newest = others.sort((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1)
  return newest?.manager
}
