import { Listr } from 'listr2'
import type { TestProject } from 'vitest/node'
import { freeEdgePort } from '../../tools/cluster-client/edge-port.ts'
import { installOperator } from '../../tools/cluster-client/install-operator.ts'
import { type Kubectl, kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import { clusterTasks, imageTasks, runningCluster } from '../../tools/local-cluster/cluster.ts'
import type { ClusterRequest } from '../../tools/local-cluster/plan.ts'

/**
 * Starts a cluster with this checkout's operator and a free node port for edges, and provides it to the tests. The
 * cluster stays for the next run: `npm run cluster -- down` removes it.
 */
export async function prepareCluster(project: TestProject, request: ClusterRequest = {}): Promise<Kubectl> {
  const kubectl = await startCluster(project, request)
  await installOperator(kubectl)
  await freeEdgePort(kubectl)
  return kubectl
}

/** Starts a cluster that has the images, and provides it to the tests. */
export async function startCluster(project: TestProject, request: ClusterRequest = {}): Promise<Kubectl> {
  await new Listr([...clusterTasks(request), ...imageTasks()], { renderer: 'verbose' }).run()
  const { kubectl: binary, kubeconfigPath, context, edgePort } = await runningCluster()
  const cluster = { kubectl: binary, kubeconfigPath, context, edgePort }
  project.provide('cluster', cluster)
  return kubectlOf(cluster)
}
