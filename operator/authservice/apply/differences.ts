import { sameQuantity } from './quantity.ts'

/** Anything that JSON can hold. `undefined` stands for a field that is left out. */
export type Json = undefined | null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

/**
 * Paths at which the live object does not contain what is desired, such as
 * `spec.template.spec.containers[server].image`. Empty when applying the desired object would change nothing.
 *
 * The API server adds to an object (defaults, fields of other owners) and respells parts of it (quantities, empty
 * values), so equality would never hold: this is containment in the sense of server-side apply. List entries are
 * matched by their merge key where the list has one; every other list is one value.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export function differences(desired: Json, live: Json, path = ''): string[] {
  if (desired === undefined) return []
  if (live === undefined || live === null) return isOmittedWhenEmpty(desired, path) ? [] : [path]
  if (isObject(desired)) {
    if (!isObject(live)) return [path]
    return Object.entries(desired).flatMap(([key, value]) => differences(value, live[key], join(path, key)))
  }
  if (Array.isArray(desired)) {
    return Array.isArray(live) ? listDifferences(desired, live, path) : [path]
  }
  return sameScalar(desired, live, path) ? [] : [path]
}

/** Fields that identify an entry of a list, by the list's last path segments; `listMapKeys` of the API's schema. */
const mergeKeys: readonly [list: RegExp, keys: readonly string[]][] = [
  [/(?:^|\.)(?:initContainers|containers|env|volumes|imagePullSecrets|resourceClaims)$/, ['name']],
  [/(?:^|\.)volumeMounts$/, ['mountPath']],
  [/containers\[[^\]]*\]\.ports$/i, ['containerPort', 'protocol']],
  [/^spec\.ports$/, ['port', 'protocol']],
  [/(?:^|\.)topologySpreadConstraints$/, ['topologyKey', 'whenUnsatisfiable']],
  [/^metadata\.ownerReferences$/, ['uid']],
]

/** What the API server fills in for a part of a merge key that is left out. */
const mergeKeyDefaults: Record<string, Json> = { protocol: 'TCP' }

function listDifferences(desired: readonly Json[], live: readonly Json[], path: string): string[] {
  const keys = mergeKeys.find(([list]) => list.test(path))?.[1]
  if (keys === undefined) {
    if (desired.length !== live.length) return [path]
    return desired.flatMap((entry, index) => differences(entry, live[index], `${path}[${index}]`))
  }
  const liveByIdentity = new Map(live.map((entry) => [identity(entry, keys), entry]))
  const ours = desired.flatMap((entry) => {
    const name = identity(entry, keys)
    return differences(entry, liveByIdentity.get(name), `${path}[${name}]`)
  })
  if (!wholeLists.test(path)) return ours
  const wanted = new Set(desired.map((entry) => identity(entry, keys)))
  return [...ours, ...[...liveByIdentity.keys()].filter((name) => !wanted.has(name)).map((name) => `${path}[${name}]`)]
}

/**
 * Lists in which an entry of somebody else is no addition, but ours with another number: it would collide with ours.
 * Everywhere else what others add stays.
 */
const wholeLists = /containers\[[^\]]*\]\.ports$|^spec\.ports$/i

/**
 * A strategic merge patch that makes these lists what is desired; undefined when nobody added to one. Applying alone
 * would not do: an entry that somebody else owns stays, and the API server refuses two ports of one name.
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function withoutEntriesOfOthers(desired: Json, live: Json, path = ''): Json {
  if (isObject(desired) && isObject(live)) {
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

/** Booleans that mean false when they are absent. Others (`automountServiceAccountToken`) default to true. */
const falseWhenAbsent = /(?:^|\.)(?:readOnly|hostNetwork|hostPID|hostIPC|publishNotReadyAddresses|paused|stdin|tty)$/

/** Values that the API server drops, because its fields are `omitempty`. */
function isOmittedWhenEmpty(desired: Json, path: string): boolean {
  if (desired === null || desired === '' || desired === 0) return true
  if (desired === false) return falseWhenAbsent.test(path)
  if (Array.isArray(desired)) return desired.length === 0
  // An object of nothing but dropped values is dropped as a whole, like `securityContext: {}`.
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

/** A key that holds a dot (`kubernetes.io/os`) is put into brackets, so that a path stays readable. */
function join(path: string, key: string): string {
  if (key.includes('.')) return `${path}["${key}"]`
  return path === '' ? key : `${path}.${key}`
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
