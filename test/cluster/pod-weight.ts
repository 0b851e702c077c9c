import { checkout } from './checkout.ts'
import { type Docker, nodeContainers } from './docker.ts'
import type { StepLog } from './step-log.ts'

/**
 * Gives pods about the part of a busy node that they have elsewhere. The kubelet weighs all pods of a node with two
 * processors at twice what it and containerd weigh, which is two thirds. In a kind node pods and kubelet share a slice
 * that weighs as much as the one with containerd, so that pods get a third; with eight times as much it is three fifths.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/
 */
export async function weighPods(docker: Docker, log: StepLog): Promise<void> {
  const { running } = await nodeContainers(docker, checkout.clusterName)
  const weigh = ['systemctl', 'set-property', 'kubelet.slice', 'CPUWeight=800']
  for (const node of running) await log.run(docker.binary, ['exec', node, ...weigh], { env: docker.env })
}
