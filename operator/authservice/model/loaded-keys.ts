import type { ServerMetrics } from './observed-objects.ts'

/**
 * The ids of the signing keys that each server pod has loaded, by pod name; undefined for a pod that did not respond.
 */
export type LoadedKeys = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** Which keys the running server pods have loaded. A pod that has not started will read the current file. */
export function loadedKeys(metrics: ServerMetrics): LoadedKeys {
  return new Map([...metrics].map(([pod, text]) => [pod, text === undefined ? undefined : keyIdsIn(text)]))
}

const keySample = /^auth_signing_key_active_timestamp_seconds\{kid="((?:[^"\\]|\\.)*)"\} /gm

/** Key ids in the metrics of the server, in the Prometheus text format: a label value is escaped as in JSON. */
export function keyIdsIn(metrics: string): Set<string> {
  return new Set([...metrics.matchAll(keySample)].map(([, kid]) => JSON.parse(`"${kid}"`)))
}

/** The pods that have not loaded a key, or did not respond. */
export function podsWithout(kid: string, loaded: LoadedKeys): string[] {
  return [...loaded].flatMap(([pod, kids]) => (kids?.has(kid) ? [] : [pod])).sort()
}
