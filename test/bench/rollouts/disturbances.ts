import { setTimeout } from 'node:timers/promises'
import type { Component } from '../../../operator/authservice/resources/metadata.ts'
import { operatorDeployment, operatorNamespace } from '../../../scripts/demo/operator-install.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { askDocker } from '../../cluster/docker.ts'
import { ordinary } from '../real-time.ts'
import { kubectlOf, logsOf, name, namespace, podSelector } from './bench-service.ts'
import { containerProcesses } from './container-processes.ts'

interface Pod {
  metadata: { name: string; deletionTimestamp?: string }
  spec: { nodeName?: string }
  status: { containerStatuses?: { containerID?: string; restartCount: number; ready: boolean }[] }
}

const operatorPods = ['get', 'pods', '--namespace', operatorNamespace, '--selector']
const operatorSelector = `app.kubernetes.io/name=${operatorDeployment}`

/**
 * Ends the operator's processes with SIGKILL: no goodbye, no lease given back. Their containers start again. Waits for a
 * process to end, because a drain may just have moved it.
 */
export async function killOperator(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const pods = await kubectlOf(cluster).json<{ items: Pod[] }>([...operatorPods, operatorSelector])
    const running = pods.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    const killed = await Promise.all(running.map((pod) => killContainer(cluster, pod)))
    if (killed.includes(true)) return
    if (performance.now() > deadline) throw new Error('there is no process of the operator to kill')
    await setTimeout(500)
  }
}

/** Kills from this machine where it has the processes: the engine's way starts three of its own on the way there. */
async function killContainer({ docker }: Cluster, { spec, status }: Pod): Promise<boolean> {
  const id = status.containerStatuses?.[0]?.containerID?.replace('containerd://', '')
  if (id === undefined || spec.nodeName === undefined) return false
  const processes = await containerProcesses(id)
  if (processes.length > 0 && process.getuid?.() === 0) return processes.map(kill).includes(true)
  const command = ['ctr', '--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id]
  const [binary, ...options] = ordinary([docker.binary, 'exec', spec.nodeName, ...command])
  return (await askDocker({ ...docker, binary }, options)) !== undefined
}

/** @returns false when it has ended meanwhile */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/**
 * Makes sure that an operator runs that was not killed before: the kubelet waits longer before each start of a
 * container that ends again and again.
 */
export async function freshOperator(cluster: Cluster, which: 'used' | 'all' = 'used'): Promise<void> {
  const kubectl = kubectlOf(cluster)
  const { items } = await kubectl.json<{ items: Pod[] }>([...operatorPods, operatorSelector])
  const used = items.filter(({ status }) => which === 'all' || (status.containerStatuses?.[0]?.restartCount ?? 0) > 0)
  const names = used.map(({ metadata }) => metadata.name)
  if (names.length > 0) await kubectl.run(['delete', 'pod', '--namespace', operatorNamespace, ...names])
  const rollout = ['rollout', 'status', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace]
  await kubectl.run([...rollout, '--timeout=60s'], { timeoutSeconds: 70 })
}

/** Names of those pods of the AuthService that are on the node. */
export async function podsOn(cluster: Cluster, node: string, ...components: Component[]): Promise<string[]> {
  const pods = await podsOf(cluster, ...components)
  return pods.filter(({ spec }) => spec.nodeName === node).map(({ metadata }) => metadata.name)
}

/** The pods of the AuthService that are of one of the components, those on their way out included. */
export async function podsOf(cluster: Cluster, ...components: Component[]): Promise<Pod[]> {
  const list = ['get', 'pods', '--namespace', namespace, '--selector', podSelector(...components)]
  return (await kubectlOf(cluster).json<{ items: Pod[] }>(list)).items
}

/** Waits until Redis and MongoDB have been given a node. */
export async function databasesAreScheduled(cluster: Cluster): Promise<void> {
  for (const pod of [`pod/${name}-redis-0`, `pod/${name}-mongodb-0`]) {
    // One at a time: of several that are not there yet, kubectl takes the answer for an error.
    for (const what of ['create', 'condition=PodScheduled']) {
      const wait = ['wait', `--for=${what}`, pod, '--namespace', namespace, '--timeout=120s']
      await kubectlOf(cluster).run(wait, { timeoutSeconds: 130 })
    }
  }
}

/**
 * Puts one server and one edge pod anew where all of them share a node, as those do that are made while the others are
 * closed: the scheduler takes a node that has none.
 */
export async function spreadFrontPods(cluster: Cluster): Promise<void> {
  await nobodyLeaves(cluster, 'server', 'edge')
  for (const component of ['server', 'edge'] as const) {
    const [first, ...others] = await podsOf(cluster, component)
    if (first === undefined || others.some(({ spec }) => spec.nodeName !== first.spec.nodeName)) continue
    await kubectlOf(cluster).run(['delete', 'pod', '--namespace', namespace, first.metadata.name])
  }
}

/** Waits until the edge runs what its Deployment says, no older pod left. */
export async function edgeIsReplaced(cluster: Cluster): Promise<void> {
  const status = ['rollout', 'status', `deployment/${name}-edge`, '--namespace', namespace, '--timeout=120s']
  await kubectlOf(cluster).run(status, { timeoutSeconds: 130 })
  await nobodyLeaves(cluster, 'edge')
}

/** Waits until no pod of these components is on its way out. */
export async function nobodyLeaves(cluster: Cluster, ...components: Component[]): Promise<void> {
  const pods = await podsOf(cluster, ...components)
  const leaving = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
  if (leaving.length === 0) return
  const names = leaving.map(({ metadata }) => `pod/${metadata.name}`)
  const wait = ['wait', '--for=delete', ...names, '--namespace', namespace, '--timeout=120s']
  await kubectlOf(cluster).run(wait, { timeoutSeconds: 130 })
}

/** A line that the server wrote for one answer. */
interface AnswerLine {
  time: number
  msg: string
  route: string
}

/** When pods of a colour answered their last request of the load, in milliseconds since 1970; undefined: none did. */
export async function lastAnswerOf(cluster: Cluster, color: string, since: Date): Promise<number | undefined> {
  const log = await logsOf(cluster, `${podSelector('server')},auth-operator.dev/color=${color}`, since)
  const lines = log.split('\n').filter((line) => line.includes('"msg":"request"'))
  const times = lines
    .map((line): AnswerLine => JSON.parse(line))
    .filter(({ route }) => route.startsWith('/v1/auth/'))
    .map(({ time }) => time)
  return times.length === 0 ? undefined : Math.max(...times)
}
