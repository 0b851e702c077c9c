import type { Kubectl } from '../../scripts/demo/kubectl.ts'

/** Each has an edge that takes node port 30443: the demo's, that of the end-to-end tests, and the bench's. */
const takers = ['authservice-demo', 'e2e', 'bench-rollouts']

/** Removes whoever may hold the port. They make their namespace anew when they need it. */
export async function freeEdgePort(kubectl: Kubectl): Promise<void> {
  const remove = ['delete', 'namespace', ...takers, '--ignore-not-found', '--timeout=180s']
  await kubectl.run(remove, { timeoutSeconds: 190 })
}
