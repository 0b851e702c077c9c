import type { Cluster } from '../local-cluster/cluster.ts'
import { kubectlOf } from './kubectl.ts'

/** The nodes that the AuthService under load runs on. */
export interface Places {
  /** The node of the databases, which is not drained. */
  databaseNode: string
  /** Nodes that may be drained; none on a cluster of one node. */
  others: string[]
}

/**
 * With two or more workers the control plane runs no part of the AuthService. Otherwise it runs the databases, and
 * whatever else fits.
 */
export async function placesOf(cluster: Cluster): Promise<Places> {
  const [controlPlane = '', ...workers] = await nodeNames(cluster)
  const [first = '', ...others] = workers
  return others.length > 0 ? { databaseNode: first, others } : { databaseNode: controlPlane, others: workers }
}

/** The names of all nodes, the control plane first. */
async function nodeNames(cluster: Cluster): Promise<string[]> {
  const { items } = await kubectlOf(cluster).json<{
    items: { metadata: { name: string; labels: Record<string, string> } }[]
  }>(['get', 'nodes'])
  const isControlPlane = ({ metadata }: (typeof items)[number]) =>
    'node-role.kubernetes.io/control-plane' in metadata.labels ? 0 : 1
  return items.sort((a, b) => isControlPlane(a) - isControlPlane(b)).map(({ metadata }) => metadata.name)
}

/** Lets pods run on the control plane, as kind does when there is no other node. */
export async function removeControlPlaneTaint(cluster: Cluster, node: string): Promise<void> {
  const kubectl = kubectlOf(cluster)
  const { spec } = await kubectl.json<{ spec: { taints?: { key: string }[] } }>(['get', 'node', node])
  const key = 'node-role.kubernetes.io/control-plane'
  if (spec.taints?.some((taint) => taint.key === key)) await kubectl.run(['taint', 'node', node, `${key}-`])
}

/** Drains the node, as before its maintenance. Waits where a PodDisruptionBudget requires it. */
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
