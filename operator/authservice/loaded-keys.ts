import type { LabelledPod } from './cluster.ts'
import { serverPorts } from './resources/server-environment.ts'

/** The ids of the signing keys that each server pod has loaded; undefined for one that did not say. By pod name. */
export type LoadedKeys = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** @returns what the server answers under this URL; undefined when it does not answer in time */
export type ReadMetrics = (url: string) => Promise<string | undefined>

/** Pods that a big AuthService has at most. Whoever labels more pods as its servers gets no more requests for it. */
const mostPods = 250

/**
 * Asks every server pod that runs which keys it knows. A pod without an address has not started: it will read the file
 * as it is then.
 */
export async function askForLoadedKeys(pods: readonly LabelledPod[], read: ReadMetrics): Promise<LoadedKeys> {
  const running = pods.filter(isRunning).slice(0, mostPods)
  const answers = await Promise.all(
    running.map(async ({ metadata, status }) => {
      const text = await read(`http://${hostOf(status?.podIP ?? '')}:${serverPorts.observability}/metrics`)
      return [metadata.name, text === undefined ? undefined : keyIdsIn(text)] as const
    }),
  )
  return new Map(answers)
}

function isRunning({ metadata, status }: LabelledPod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === 'Running' && status.podIP !== undefined
}

/** An IPv6 address stands in brackets, RFC 3986 section 3.2.2. */
function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address
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
