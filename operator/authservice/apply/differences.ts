import type { Manifest } from '../model/manifest.ts'
import { sameQuantity } from '../model/quantity.ts'

/** Any JSON value. `undefined` stands for an omitted field. */
export type Json = undefined | null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** A path at which the live object does not contain the desired value, with its live value. */
export interface Difference {
  path: string
  /** undefined: there is none. */
  live: Json
}

/** Paths of the differences, such as `spec.template.spec.containers[server].image`; see `findDifferences`. */
export function differences(desired: Json, live: Json, path = ''): string[] {
  return findDifferences(desired, live, path).map((difference) => difference.path)
}

/**
 * Paths at which the live object does not contain the desired one. Empty if applying the desired object would change
 * nothing.
 *
 * The API server adds to an object (defaults, fields of other owners) and normalizes parts of it (quantities, empty
 * values), so the two are never equal: this checks containment in the sense of server-side apply. Entries of a list are
 * matched by their merge key if the list has one; every other list is one value.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export function findDifferences(desired: Json, live: Json, path = ''): Difference[] {
  if (desired === undefined) return []
  if (live === undefined || live === null) return isOmittedWhenEmpty(desired, path) ? [] : [{ path, live }]
  if (isObject(desired)) {
    if (!isObject(live)) return [{ path, live }]
    return Object.entries(desired).flatMap(([key, value]) => findDifferences(value, live[key], join(path, key)))
  }
  if (Array.isArray(desired)) {
    return Array.isArray(live) ? listDifferences(desired, live, path) : [{ path, live }]
  }
  return sameScalar(desired, live, path) ? [] : [{ path, live }]
}

/**
 * Fields that identify an entry of a list, by the last path segments of the list; `listMapKeys` in the schema of the
 * API.
 */
const mergeKeys: readonly [list: RegExp, keys: readonly string[]][] = [
  [/(?:^|\.)(?:initContainers|containers|env|volumes|imagePullSecrets|resourceClaims)$/, ['name']],
  [/(?:^|\.)volumeMounts$/, ['mountPath']],
  [/containers\[[^\]]*\]\.ports$/i, ['containerPort', 'protocol']],
  [/^spec\.ports$/, ['port', 'protocol']],
  [/(?:^|\.)topologySpreadConstraints$/, ['topologyKey', 'whenUnsatisfiable']],
  [/^metadata\.ownerReferences$/, ['uid']],
]

/** Defaults that the API server sets for omitted fields of a merge key. */
const mergeKeyDefaults: Record<string, Json> = { protocol: 'TCP' }

function listDifferences(desired: readonly Json[], live: readonly Json[], path: string): Difference[] {
  const keys = mergeKeys.find(([list]) => list.test(path))?.[1]
  if (keys === undefined) {
    if (desired.length !== live.length) return [{ path, live }]
    return desired.flatMap((entry, index) => findDifferences(entry, live[index], `${path}[${index}]`))
  }
  const liveByIdentity = new Map(live.map((entry) => [identity(entry, keys), entry]))
  const ours = desired.flatMap((entry) => {
    const name = identity(entry, keys)
    return findDifferences(entry, liveByIdentity.get(name), `${path}[${name}]`)
  })
  if (!wholeLists.test(path)) return ours
  const wanted = new Set(desired.map((entry) => identity(entry, keys)))
  const others = [...liveByIdentity].filter(([name]) => !wanted.has(name))
  return [...ours, ...others.map(([name, entry]) => ({ path: `${path}[${name}]`, live: entry }))]
}

/**
 * Lists in which an entry of another writer is not an addition, but our entry with another number, which would collide
 * with ours. In all other lists, entries of other writers stay.
 */
const wholeLists = /containers\[[^\]]*\]\.ports$|^spec\.ports$/i

/**
 * Objects whose other fields belong to one value of `type`: the API server sets the parameters of `RollingUpdate`, and
 * rejects them with `OnDelete`.
 */
const wholeObjects = /^spec\.updateStrategy$/

/**
 * A strategic merge patch that sets these lists and objects to their desired value; undefined if no other writer added
 * to one. Apply is not enough: it keeps an entry of another owner, and the API server rejects two ports with the same
 * name.
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function withoutEntriesOfOthers(desired: Json, live: Json, path = ''): Json {
  if (isObject(desired) && isObject(live)) {
    if (wholeObjects.test(path)) {
      const hasOthers = desired['type'] !== live['type'] && Object.keys(live).some((key) => !(key in desired))
      return hasOthers ? { $patch: 'replace', ...desired } : undefined
    }
    const entries = Object.entries(desired).flatMap(([key, value]) => {
      const patch = withoutEntriesOfOthers(value, live[key], join(path, key))
      return patch === undefined ? [] : [[key, patch] as const]
    })
    return entries.length === 0 ? undefined : Object.fromEntries(entries)
  }
  const keys = mergeKeys.find(([list]) => list.test(path))?.[1]
  if (keys === undefined || !Array.isArray(desired) || !Array.isArray(live)) return undefined
  const wanted = new Map(desired.map((entry) => [identity(entry, keys), entry]))
  const hasOthers = live.some((entry) => !wanted.has(identity(entry, keys)))
  if (wholeLists.test(path)) return hasOthers ? [{ $patch: 'replace' }, ...desired] : undefined
  const entries = live.flatMap((entry) => {
    const name = identity(entry, keys)
    const patch = withoutEntriesOfOthers(wanted.get(name), entry, `${path}[${name}]`)
    return isObject(patch) && isObject(entry) ? [{ ...keyOf(entry, keys), ...patch }] : []
  })
  return entries.length === 0 ? undefined : entries
}

function keyOf(entry: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, entry[key]]))
}

function identity(entry: Json, keys: readonly string[]): string {
  if (!isObject(entry)) return String(entry)
  return keys.map((key) => String(entry[key] ?? mergeKeyDefaults[key] ?? '')).join('/')
}

/** Booleans whose absence means false. Others (`automountServiceAccountToken`) default to true. */
const falseWhenAbsent = /(?:^|\.)(?:readOnly|hostNetwork|hostPID|hostIPC|publishNotReadyAddresses|paused|stdin|tty)$/

/** Values that the API server drops, because its fields are `omitempty`. */
function isOmittedWhenEmpty(desired: Json, path: string): boolean {
  if (desired === null || desired === '' || desired === 0) return true
  if (desired === false) return falseWhenAbsent.test(path)
  if (Array.isArray(desired)) return desired.length === 0
  // An object that contains only dropped values is dropped as a whole, like `securityContext: {}`.
  return (
    isObject(desired) && Object.entries(desired).every(([key, value]) => isOmittedWhenEmpty(value, join(path, key)))
  )
}

const quantityFields = /(?:^|\.)(?:(?:requests|limits)(?:\.[^.]+|\["[^"]+"\])|sizeLimit|averageValue|divisor)$/

function sameScalar(desired: Json, live: Json, path: string): boolean {
  if (desired === live) return true
  if (!quantityFields.test(path)) return false
  return sameQuantity(String(desired), String(live))
}

/** A key that contains a dot (`kubernetes.io/os`) is put into brackets, so that a path stays readable. */
function join(path: string, key: string): string {
  if (key.includes('.')) return `${path}["${key}"]`
  return path === '' ? key : `${path}.${key}`
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Manifests have typed interfaces, which TypeScript does not recognize as JSON; they contain nothing else. */
export function asJson(manifest: Manifest): Json {
  return manifest as unknown as Json
}
