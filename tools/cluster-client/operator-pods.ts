import { setTimeout } from 'node:timers/promises'
import type { Cluster } from '../local-cluster/cluster.ts'
import { askDocker } from '../local-cluster/docker.ts'
import { operatorDeployment, operatorNamespace } from './install-operator.ts'
import { kubectlOf } from './kubectl.ts'
import type { Pod } from './pod.ts'

/**
 * Ends the operator's processes with SIGKILL, so that it releases no lease. The kubelet restarts their containers. Waits
 * for a running container, because a drain may just have moved the pod.
 */
export async function killOperator(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const pods = await operatorPods(cluster)
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    const killed = await Promise.all(running.map((pod) => killContainer(cluster, pod)))
    if (killed.includes(true)) return
    if (performance.now() > deadline) throw new Error('the operator has no running container to kill')
    await setTimeout(500)
  }
}

/** @returns false when the container does not run */
async function killContainer({ docker }: Cluster, { spec, status }: Pod): Promise<boolean> {
  const id = status.containerStatuses?.[0]?.containerID?.replace('containerd://', '')
  if (id === undefined || spec.nodeName === undefined) return false
  const kill = ['ctr', '--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id]
  return (await askDocker(docker, ['exec', spec.nodeName, ...kill])) !== undefined
}

/**
 * Replaces operator pods whose container has restarted, and waits for the new ones: the kubelet delays each further restart
 * of the same container.
 */
export async function replaceRestartedPods(cluster: Cluster): Promise<void> {
  const kubectl = kubectlOf(cluster)
  const hasRestarted = ({ status }: Pod) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0
  const replaced = (await operatorPods(cluster)).filter(hasRestarted)
  const names = replaced.map(({ metadata }) => metadata.name)
  if (names.length > 0) await kubectl.run(['delete', 'pod', '--namespace', operatorNamespace, ...names])
  const rollout = ['rollout', 'status', `deployment/${operatorDeployment}`, '--namespace', operatorNamespace]
  await kubectl.run([...rollout, '--timeout=60s'], { timeoutSeconds: 70 })
}

async function operatorPods(cluster: Cluster): Promise<Pod[]> {
  const selector = `app.kubernetes.io/name=${operatorDeployment}`
  const list = ['get', 'pods', '--namespace', operatorNamespace, '--selector', selector]
  return (await kubectlOf(cluster).json<{ items: Pod[] }>(list)).items
}
