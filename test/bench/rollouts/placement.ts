import type { Cluster } from '../../cluster/cluster.ts'
import { BenchService, isReady } from './bench-service.ts'
import { databasesAreScheduled, spreadFrontPods } from './disturbances.ts'
import { cordon, openNode, placesOf, uncordon } from './nodes.ts'

/**
 * Makes the AuthService so that any node but that of the databases may be drained: a managed MongoDB is one pod, and while
 * it moves nobody can log in. All else is spread over the nodes.
 */
export async function createSpread(cluster: Cluster): Promise<BenchService> {
  const { home, others } = await placesOf(cluster)
  await openNode(cluster, home)
  console.log(`databases on ${home}`)
  for (const other of others) await cordon(cluster, other)
  // Not all of it may fit on that node: the others are closed only until the databases have theirs.
  const service = await BenchService.create(cluster)
    .then((created) => databasesAreScheduled(cluster).then(() => created))
    .finally(async () => {
      for (const other of others) await uncordon(cluster, other)
    })
  await service.until('ready', isReady, 240)
  await spread(service, cluster)
  return service
}

/** Has servers and edge on more than one node, where there is one, and waits until the AuthService is ready again. */
export async function spread(service: BenchService, cluster: Cluster): Promise<void> {
  await spreadFrontPods(cluster)
  await service.until('ready', isReady, 120)
}
