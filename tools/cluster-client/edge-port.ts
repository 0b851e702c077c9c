import type { Kubectl } from './kubectl.ts'

/** Namespaces whose edge may use node port 30443: those of the demo, the tests and the benches. */
const takers = ['authservice-demo', 'e2e', 'neighbours', 'bench-rollouts', 'bench-outage', 'bench-upgrade']

/** Frees the node port by deleting these namespaces. Their programs create them again when they need them. */
export async function freeEdgePort(kubectl: Kubectl): Promise<void> {
  const remove = ['delete', 'namespace', ...takers, '--ignore-not-found', '--timeout=180s']
  await kubectl.run(remove, { timeoutSeconds: 190 })
}
