import { dirname, relative } from 'node:path'
import type { Cluster } from '../../test/cluster/cluster.ts'
import { kubectlFor } from './kubectl.ts'
import type { Target } from './target.ts'

/** The kind cluster that belongs to this checkout: its edge port leads to the quickstart's node port. */
export function ownCluster({ kubectl: binary, kubeconfigPath, edgePort }: Cluster): Target {
  const kubeconfig = relative(process.cwd(), kubeconfigPath)
  return {
    kubectl: kubectlFor(binary, ['--kubeconfig', kubeconfigPath]),
    openEdge: async () => ({ port: edgePort, close: async () => {} }),
    preparation: [`export KUBECONFIG=$PWD/${kubeconfig} PATH=$PATH:${dirname(binary)}`],
    kubectlFlags: [],
    removal: 'npm run demo -- --down',
  }
}
