import { dirname, relative } from 'node:path'
import { kubectlFor } from '../../tools/cluster-client/kubectl.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import type { Target } from './target.ts'

/** The kind cluster of this checkout: its edge port leads to the node port of the quickstart. */
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
