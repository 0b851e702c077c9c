import { Listr } from 'listr2'
import type { TestProject } from 'vitest/node'
import { type Kubectl, kubectlFor } from '../../scripts/demo/kubectl.ts'
import { installOperator } from '../../scripts/demo/operator-install.ts'
import { clusterTasks, imageTasks, runningCluster } from '../cluster/cluster.ts'
import { freeEdgePort } from '../cluster/edge-port.ts'
import type { Wishes } from '../cluster/plan.ts'

/**
 * Brings the cluster up with this checkout's operator, nobody at the node port of edges, and tells the tests where it is.
 * The cluster stays for the next run: `npm run cluster -- down` removes it.
 */
export async function prepareCluster(project: TestProject, wishes: Wishes = {}): Promise<Kubectl> {
  await new Listr([...clusterTasks(wishes), ...imageTasks()], { renderer: 'verbose' }).run()
  const { kubectl: binary, kubeconfigPath, context, edgePort } = await runningCluster()
  const kubectl = kubectlFor(binary, ['--kubeconfig', kubeconfigPath, '--context', context])
  await installOperator(kubectl)
  await freeEdgePort(kubectl)
  project.provide('cluster', { kubectl: binary, kubeconfigPath, context, edgePort })
  return kubectl
}
