import type { Cluster } from '../../cluster/cluster.ts'
import { kubectlOf } from './bench-service.ts'

/** Where the parts of the AuthService under load may be. */
export interface Places {
  /** The databases' node, which is not drained. */
  home: string
  /** Those that may be drained; empty on a cluster of one node. */
  others: string[]
}

/**
 * With two nodes and more beside it the control plane is left alone, as on a cluster of machines. Otherwise it has the
 * databases, and whatever else fits.
 */
export async function placesOf(cluster: Cluster): Promise<Places> {
  const [controlPlane = '', ...workers] = await nodeNames(cluster)
  const [first = '', ...others] = workers
  return others.length > 0 ? { home: first, others } : { home: controlPlane, others: workers }
}

/** Names of all nodes; the control plane is the first. */
async function nodeNames(cluster: Cluster): Promise<string[]> {
  const { items } = await kubectlOf(cluster).json<{
    items: { metadata: { name: string; labels: Record<string, string> } }[]
  }>(['get', 'nodes'])
  const isControlPlane = ({ metadata }: (typeof items)[number]) =>
    'node-role.kubernetes.io/control-plane' in metadata.labels ? 0 : 1
  return items.sort((a, b) => isControlPlane(a) - isControlPlane(b)).map(({ metadata }) => metadata.name)
}

/** Lets pods run on the control plane as well, which kind does by itself when there is no other node. */
export async function openNode(cluster: Cluster, node: string): Promise<void> {
  const kubectl = kubectlOf(cluster)
  const { spec } = await kubectl.json<{ spec: { taints?: { key: string }[] } }>(['get', 'node', node])
  const key = 'node-role.kubernetes.io/control-plane'
  if (spec.taints?.some((taint) => taint.key === key)) await kubectl.run(['taint', 'node', node, `${key}-`])
}

/** Moves every pod away from the node, as before its maintenance. Budgets are kept: it waits where they say so. */
export async function drain(cluster: Cluster, node: string): Promise<void> {
  const options = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=150s']
  await kubectlOf(cluster).run(['drain', node, ...options], { timeoutSeconds: 160 })
}

export async function cordon(cluster: Cluster, node: string): Promise<void> {
  await kubectlOf(cluster).run(['cordon', node])
}

export async function uncordon(cluster: Cluster, node: string): Promise<void> {
  await kubectlOf(cluster).run(['uncordon', node])
}
