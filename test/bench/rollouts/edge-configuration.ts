import { setTimeout } from 'node:timers/promises'
import { contentOf } from '../../../operator/authservice/edge-reports.ts'
import { edgeLayout } from '../../../operator/authservice/resources/edge-layout.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kubectlOf, name, namespace } from './bench-service.ts'
import { podsOf } from './disturbances.ts'

/** What runs at the edge at one moment. */
export interface EdgeSeen {
  /** The configuration that the operator has written, known by `contentOf`. */
  written: string
  /** Without those that are ending. */
  pods: readonly EdgePod[]
}

export interface EdgePod {
  name: string
  restarts: number
  /** What it says at `:8081/configuration`, which the operator reads as well; undefined: nothing. */
  report: { content: string; refused: string; problem: string } | undefined
}

/**
 * Whether another configuration is taken up by the pods that were there before.
 *
 * @returns what is still waited for; undefined: nothing
 * @throws when a pod was replaced, was started again, or refuses the configuration: none of these ends in a reload
 */
export function waitsForReload(before: EdgeSeen, now: EdgeSeen): string | undefined {
  const namesOf = ({ pods }: EdgeSeen) => pods.map((pod) => pod.name).sort()
  const [old, present] = [namesOf(before), namesOf(now)]
  if (old.join() !== present.join()) {
    throw new Error(`pods of the edge were replaced: there were ${old.join(', ')}, there are ${present.join(', ')}`)
  }
  if (now.written === before.written) return 'the operator to write another configuration'
  for (const pod of now.pods) {
    const restarts = pod.restarts - (before.pods.find((one) => one.name === pod.name)?.restarts ?? 0)
    if (restarts > 0) throw new Error(`the container of ${pod.name} was started again, times: ${restarts}`)
    if (pod.report?.refused === now.written) throw new Error(`${pod.name} refuses it: ${pod.report.problem}`)
  }
  const late = now.pods.filter(({ report }) => report?.content !== now.written).map((pod) => pod.name)
  return late.length === 0 ? undefined : `${late.join(', ')} to load the configuration`
}

/** Waits until every pod of the edge has loaded another configuration than before. @throws at the deadline, too */
export async function untilReloaded(cluster: Cluster, before: EdgeSeen, timeoutSeconds: number): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000
  for (;;) {
    const awaited = waitsForReload(before, await seeEdge(cluster))
    if (awaited === undefined) return
    if (performance.now() > deadline) throw new Error(`after ${timeoutSeconds} s it is still waited for ${awaited}`)
    await setTimeout(1_000)
  }
}

export async function seeEdge(cluster: Cluster): Promise<EdgeSeen> {
  const configMap = ['get', 'configmap', `${name}-edge`, '--namespace', namespace]
  const { data } = await kubectlOf(cluster).json<{ data: Record<string, string> }>(configMap)
  const staying = (await podsOf(cluster, 'edge')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const pods = staying.map(async ({ metadata, status }) => ({
    name: metadata.name,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    report: await reportOf(cluster, metadata.name),
  }))
  return { written: contentOf(data['nginx.conf'] ?? ''), pods: await Promise.all(pods) }
}

/** Read inside the pod: a network policy may keep everybody else away. */
async function reportOf(cluster: Cluster, pod: string): Promise<EdgePod['report']> {
  const exec = ['exec', '--namespace', namespace, pod, '--container', 'nginx', '--']
  const read = kubectlOf(cluster).run([...exec, 'cat', `${edgeLayout.own}/report.json`])
  // A pod that says nothing is waited for, and named at the deadline.
  return read.then(JSON.parse, () => undefined)
}
