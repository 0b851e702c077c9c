import type { LabelledPod } from './cluster.ts'
import { serverPorts } from './resources/server-environment.ts'

/** What each server pod that runs answers at `/metrics`; undefined for one that did not answer in time. By pod name. */
export type ServerMetrics = ReadonlyMap<string, string | undefined>

/** @returns what the server answers under this URL; undefined when it does not answer in time */
export type ReadMetrics = (url: string) => Promise<string | undefined>

/** Pods that a big AuthService has at most. Whoever labels more pods as its servers gets no more requests for it. */
const mostPods = 250

/** Reads the metrics of every server pod that runs. A pod without an address has not started, and is left out. */
export async function readServerMetrics(pods: readonly LabelledPod[], read: ReadMetrics): Promise<ServerMetrics> {
  const running = pods.filter(isRunning).slice(0, mostPods)
  const answers = await Promise.all(
    running.map(async ({ metadata, status }) => {
      const url = `http://${hostOf(status?.podIP ?? '')}:${serverPorts.observability}/metrics`
      return [metadata.name, await read(url)] as const
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
