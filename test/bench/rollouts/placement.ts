import type { AuthServiceStatus } from '../../../operator/authservice/api/schema.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { BenchService, holds } from './bench-service.ts'
import {
  cordon,
  databasesAreScheduled,
  nodeNames,
  openControlPlane,
  spreadFrontPods,
  uncordon,
} from './disturbances.ts'

/**
 * Makes the AuthService so that any node but the control plane may be drained. The databases go there: a managed MongoDB
 * is one pod, and while it moves nobody can log in. All else is spread over the nodes.
 */
export async function createSpread(cluster: Cluster): Promise<BenchService> {
  await openControlPlane(cluster)
  const [controlPlane, ...workers] = await nodeNames(cluster)
  console.log(`databases on ${controlPlane}`)
  for (const worker of workers) await cordon(cluster, worker)
  // Not all of it may fit on that node: the others are closed only until the databases have theirs.
  const service = await BenchService.create(cluster)
    .then((created) => databasesAreScheduled(cluster).then(() => created))
    .finally(async () => {
      for (const worker of workers) await uncordon(cluster, worker)
    })
  const isReady = ({ conditions = [] }: AuthServiceStatus) => holds(conditions, 'Ready')
  await service.until('ready', isReady, 240)
  await spreadFrontPods(cluster)
  await service.until('ready', isReady, 120)
  return service
}
