import type { Component } from '../../operator/authservice/model/labels.ts'
import { kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import type { Pod } from '../../tools/cluster-client/pod.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { logsOf, name, namespace, podSelector } from './bench-service.ts'

/** The pods of these components of the AuthService, terminating ones included. */
export async function podsOf(cluster: Cluster, ...components: Component[]): Promise<Pod[]> {
  const list = ['get', 'pods', '--namespace', namespace, '--selector', podSelector(...components)]
  return (await kubectlOf(cluster).json<{ items: Pod[] }>(list)).items
}

/** The names of the pods of these components that run on the node. */
export async function podsOn(cluster: Cluster, node: string, ...components: Component[]): Promise<string[]> {
  const pods = await podsOf(cluster, ...components)
  return pods.filter(({ spec }) => spec.nodeName === node).map(({ metadata }) => metadata.name)
}

/** Waits until no pod of these components is terminating. */
export async function podsSettled(cluster: Cluster, ...components: Component[]): Promise<void> {
  const pods = await podsOf(cluster, ...components)
  const terminating = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
  if (terminating.length === 0) return
  const names = terminating.map(({ metadata }) => `pod/${metadata.name}`)
  const wait = ['wait', '--for=delete', ...names, '--namespace', namespace, '--timeout=120s']
  await kubectlOf(cluster).run(wait, { timeoutSeconds: 130 })
}

/** Waits until MongoDB and Redis are scheduled. */
export async function databasesScheduled(cluster: Cluster): Promise<void> {
  for (const pod of [`pod/${name}-redis-0`, `pod/${name}-mongodb-0`]) {
    // One wait each: with several objects that do not exist yet, kubectl reports an error.
    for (const condition of ['create', 'condition=PodScheduled']) {
      const wait = ['wait', `--for=${condition}`, pod, '--namespace', namespace, '--timeout=120s']
      await kubectlOf(cluster).run(wait, { timeoutSeconds: 130 })
    }
  }
}

/**
 * Deletes one server pod and one edge pod where all pods of the component share a node, as those do that were created
 * while the other nodes were cordoned. The scheduler places the new pod on a node without one.
 */
export async function spreadServersAndEdge(cluster: Cluster): Promise<void> {
  await podsSettled(cluster, 'server', 'edge')
  for (const component of ['server', 'edge'] as const) {
    const [first, ...others] = await podsOf(cluster, component)
    if (first === undefined || others.some(({ spec }) => spec.nodeName !== first.spec.nodeName)) continue
    await kubectlOf(cluster).run(['delete', 'pod', '--namespace', namespace, first.metadata.name])
  }
}

/** Waits until the rollout of the edge's Deployment is complete and no older pod is left. */
export async function edgeReplaced(cluster: Cluster): Promise<void> {
  const status = ['rollout', 'status', `deployment/${name}-edge`, '--namespace', namespace, '--timeout=120s']
  await kubectlOf(cluster).run(status, { timeoutSeconds: 130 })
  await podsSettled(cluster, 'edge')
}

/** The log line of one answer of the server. */
interface RequestLine {
  time: number
  msg: string
  route: string
}

/** When pods of a colour last answered a request of the load, in milliseconds since 1970; undefined when none did. */
export async function lastAnswerOf(cluster: Cluster, color: string, since: Date): Promise<number | undefined> {
  const log = await logsOf(cluster, `${podSelector('server')},auth-operator.dev/color=${color}`, since)
  const lines = log.split('\n').filter((line) => line.includes('"msg":"request"'))
  const times = lines
    .map((line): RequestLine => JSON.parse(line))
    .filter(({ route }) => route.startsWith('/v1/auth/'))
    .map(({ time }) => time)
  return times.length === 0 ? undefined : Math.max(...times)
}
