import fc from 'fast-check'
import type { Live } from '../support/namespace.ts'

/** An edit of one child by another client: deletes it, or changes a field that the operator wrote. */
export type Edit = { child: number; kind: 'delete' } | { child: number; kind: 'change' | 'remove'; field: number }

/** Numbers select among the existing objects, by the remainder, so that every edit is possible in every state. */
export function edits(most: number): fc.Arbitrary<Edit[]> {
  const deletion = fc.record({ child: fc.nat(999), kind: fc.constant('delete' as const) })
  const change = fc.record({
    child: fc.nat(999),
    kind: fc.constantFrom('change' as const, 'remove' as const),
    field: fc.nat(99_999),
  })
  const edit = fc.oneof({ weight: 1, arbitrary: deletion }, { weight: 6, arbitrary: change })
  return fc.array(edit, { minLength: 1, maxLength: most })
}

type Json = undefined | null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }
/** A step into an object, or to the entry of a list that has these fields. */
type Step = string | JsonObject
export type FieldPath = readonly Step[]

/**
 * The fields that the operator applied, according to the managed fields. Excludes edits that the operator must not
 * revert: the content of a Secret, which belongs to users as well, and the identity of the owner; and the number of a
 * revision, which is stored nowhere else.
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#fieldsv1
 */
export function appliedFields({ kind, metadata }: Live): FieldPath[] {
  // The type of managedFields is open; each entry has these fields according to meta/v1 ManagedFieldsEntry.
  const entries = (metadata.managedFields ?? []) as { manager: string; operation: string; fieldsV1: JsonObject }[]
  const ours = entries.find(({ manager, operation }) => manager === 'authservice-operator' && operation === 'Apply')
  return leaves(ours?.fieldsV1 ?? {}).filter((path) => {
    const isContent = kind === 'Secret' && path[0] === 'data'
    const isIdentity = path[1] === 'ownerReferences' && (path.length < 4 || path.at(-1) === 'uid')
    const isNumber = kind === 'ControllerRevision' && path[0] === 'revision'
    return !isContent && !isIdentity && !isNumber
  })
}

function leaves(fields: JsonObject, path: FieldPath = []): FieldPath[] {
  const entries = Object.entries(fields).filter(([key]) => key !== '.')
  if (entries.length === 0) return [path]
  return entries.flatMap(([key, inner]) => {
    const name = key.slice(2)
    const step: Step = key.startsWith('f:') ? name : JSON.parse(name)
    return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? leaves(inner, [...path, step]) : []
  })
}

/** The value at a path; undefined if there is none. */
export function valueAt(child: Live, path: FieldPath): Json {
  // JSON.parse created this object.
  return path.reduce<Json>(stepInto, child as unknown as Json)
}

function stepInto(at: Json, step: Step): Json {
  if (Array.isArray(at)) return at.find((entry) => matches(entry, step))
  if (typeof at !== 'object' || at === null || typeof step !== 'string') return undefined
  return at[step]
}

function matches(entry: Json, step: Step): boolean {
  if (typeof step === 'string' || typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return entry === step
  }
  return Object.entries(step).every(([key, value]) => entry[key] === value)
}

/** The child with one field changed or removed. */
export function edited(child: Live, path: FieldPath, kind: 'change' | 'remove'): Live {
  const copy = structuredClone(child)
  const parent = valueAt(copy, path.slice(0, -1))
  const last = path.at(-1)
  if (Array.isArray(parent)) {
    const index = parent.findIndex((entry) => last !== undefined && matches(entry, last))
    if (index >= 0) parent.splice(index, 1)
  } else if (typeof parent === 'object' && parent !== null && typeof last === 'string') {
    if (kind === 'change') parent[last] = another(parent[last])
    else delete parent[last]
  }
  return copy
}

function another(value: Json): Json {
  if (Array.isArray(value)) return value.slice(1)
  switch (typeof value) {
    case 'number':
      return value + 1
    case 'boolean':
      return !value
    case 'string':
      return value === '' ? 'edited' : `${value.slice(0, 40)}x`
    default:
      return {}
  }
}
