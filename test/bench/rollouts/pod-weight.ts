import type { Cluster } from '../../cluster/cluster.ts'
import { askDocker } from '../../cluster/docker.ts'
import { nodeNames } from './disturbances.ts'

/** Where a kind node has its pods, and the kubelet beside them. */
const slice = 'kubelet.slice'

/**
 * Gives pods about the part of a busy node that they have elsewhere. The kubelet weighs all pods of a node with two
 * processors at twice what it and containerd weigh, which is two thirds. In a kind node the slice of pods and kubelet
 * weighs as much as that of containerd, so pods get a third; with eight times as much it is three fifths.
 *
 * @returns takes it back
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/
 */
export async function weighPods(cluster: Cluster): Promise<() => Promise<void>> {
  const weigh = async (weight: string) => {
    for (const node of await nodeNames(cluster)) {
      const set = ['exec', node, 'systemctl', 'set-property', '--runtime', slice, `CPUWeight=${weight}`]
      if ((await askDocker(cluster.docker, set)) === undefined) {
        console.log(`On ${node} pods get a third of it, as kind has it: its systemd does not let ${slice} weigh more.`)
      }
    }
  }
  await weigh('800')
  return () => weigh('')
}
