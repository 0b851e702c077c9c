import type { Kubectl } from './kubectl.ts'

/** Namespaces whose edge may use node port 30443: those of the demo, the tests, the benches and the conformance suite. */
const takers = [
  'authservice-demo',
  'e2e',
  'neighbours',
  'bench-rollouts',
  'bench-outage',
  'bench-upgrade',
  'conformance',
]

/** Frees the node port by deleting these namespaces. Their programs create them again when they need them. */
export async function freeEdgePort(kubectl: Kubectl): Promise<void> {
  const remove = ['delete', 'namespace', ...takers, '--ignore-not-found', '--timeout=180s']
  await kubectl.run(remove, { timeoutSeconds: 190 })
}
