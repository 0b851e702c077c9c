import type { ServerMetrics } from './server-metrics.ts'

/** The ids of the signing keys that each server pod has loaded; undefined for one that did not say. By pod name. */
export type LoadedKeys = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** Which keys every server pod that runs knows. One that has not started will read the file as it is then. */
export function loadedKeys(metrics: ServerMetrics): LoadedKeys {
  return new Map([...metrics].map(([pod, text]) => [pod, text === undefined ? undefined : keyIdsIn(text)]))
}

const keySample = /^auth_signing_key_active_timestamp_seconds\{kid="((?:[^"\\]|\\.)*)"\} /gm

/** Key ids in metrics of the server, in Prometheus' text format: a label value is escaped as in JSON. */
export function keyIdsIn(metrics: string): Set<string> {
  return new Set([...metrics.matchAll(keySample)].map(([, kid]) => JSON.parse(`"${kid}"`)))
}

/** The pods that have not loaded a key, or did not say. */
export function podsWithout(kid: string, loaded: LoadedKeys): string[] {
  return [...loaded].flatMap(([pod, kids]) => (kids?.has(kid) ? [] : [pod])).sort()
}
