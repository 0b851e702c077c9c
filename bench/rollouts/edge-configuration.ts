import { setTimeout } from 'node:timers/promises'
import { fileRevision } from '../../contract/file-revision.ts'
import { edgeLayout } from '../../operator/authservice/resources/edge/edge-layout.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { name, namespace } from './bench-service.ts'
import { podsOf } from './pods.ts'

/** The configuration of the edge and its pods at one moment. */
export interface EdgeObservation {
  /** The configuration that the operator has written, as `fileRevision` identifies it. */
  written: string
  /** Pods that are not terminating. */
  pods: readonly EdgePod[]
}

export interface EdgePod {
  name: string
  restarts: number
  /** The pod's answer at `:8081/configuration`, which the operator reads as well; undefined when there is none. */
  report: { content: string; refused: string; problem: string } | undefined
}

/**
 * Whether the pods that existed before have loaded another configuration.
 *
 * @returns what the bench still waits for; undefined when all pods have reloaded
 * @throws when a pod was replaced, has restarted, or refuses the configuration: none of these ends in a reload
 */
export function missingReload(before: EdgeObservation, now: EdgeObservation): string | undefined {
  const namesOf = ({ pods }: EdgeObservation) => pods.map((pod) => pod.name).sort()
  const [old, present] = [namesOf(before), namesOf(now)]
  if (old.join() !== present.join()) {
    throw new Error(`pods of the edge were replaced: ${old.join(', ')} by ${present.join(', ')}`)
  }
  if (now.written === before.written) return 'the operator to write another configuration'
  for (const pod of now.pods) {
    const restarts = pod.restarts - (before.pods.find((one) => one.name === pod.name)?.restarts ?? 0)
    if (restarts > 0) throw new Error(`the container of ${pod.name} has restarted ${restarts} times`)
    if (pod.report?.refused === now.written)
      throw new Error(`${pod.name} refuses the configuration: ${pod.report.problem}`)
  }
  const late = now.pods.filter(({ report }) => report?.content !== now.written).map((pod) => pod.name)
  return late.length === 0 ? undefined : `${late.join(', ')} to load the configuration`
}

/**
 * Waits until every pod of the edge has loaded another configuration.
 * @throws as `missingReload` does, and at the deadline
 */
export async function waitForReload(cluster: Cluster, before: EdgeObservation, timeoutSeconds: number): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  for (;;) {
    const missing = missingReload(before, await observeEdge(cluster))
    if (missing === undefined) return
    if (performance.now() > deadline) throw new Error(`no reload within ${timeoutSeconds} s: waiting for ${missing}`)
    await setTimeout(1_000)
  }
}

export async function observeEdge(cluster: Cluster): Promise<EdgeObservation> {
  const configMap = ['get', 'configmap', `${name}-edge`, '--namespace', namespace]
  const { data } = await kubectlOf(cluster).json<{ data: Record<string, string> }>(configMap)
  const running = (await podsOf(cluster, 'edge')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const pods = running.map(async ({ metadata, status }) => ({
    name: metadata.name,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    report: await reportOf(cluster, metadata.name),
  }))
  return { written: fileRevision(data['nginx.conf'] ?? ''), pods: await Promise.all(pods) }
}

/** Reads the report inside the pod: a network policy may deny any other way. */
async function reportOf(cluster: Cluster, pod: string): Promise<EdgePod['report']> {
  const exec = ['exec', '--namespace', namespace, pod, '--container', 'nginx', '--']
  const read = kubectlOf(cluster).run([...exec, 'cat', `${edgeLayout.own}/report.json`])
  // The bench waits for a pod without a report, and names it at the deadline.
  return read.then(JSON.parse, () => undefined)
}
