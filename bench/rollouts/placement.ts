import { cordon, placesOf, removeControlPlaneTaint, uncordon } from '../../tools/cluster-client/nodes.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { BenchService } from './bench-service.ts'
import { databasesScheduled, spreadServersAndEdge } from './pods.ts'
import { isReady } from './status-watch.ts'

/**
 * Creates the AuthService with its databases on one node, so that every other node may be drained: a managed MongoDB is a
 * single pod, and logins fail while it moves. Servers and edge run on more than one node.
 */
export async function createSpread(cluster: Cluster): Promise<BenchService> {
  const { databaseNode, others } = await placesOf(cluster)
  await removeControlPlaneTaint(cluster, databaseNode)
  console.log(`databases on ${databaseNode}`)
  for (const other of others) await cordon(cluster, other)
  // One node may be too small for the rest: the others stay cordoned only until the databases are scheduled.
  const service = await BenchService.create(cluster)
    .then((created) => databasesScheduled(cluster).then(() => created))
    .finally(async () => {
      for (const other of others) await uncordon(cluster, other)
    })
  await service.waitUntil('ready', isReady, 240)
  await spread(service, cluster)
  return service
}

/** Spreads servers and edge over the nodes, where there are several, and waits until the AuthService is ready again. */
export async function spread(service: BenchService, cluster: Cluster): Promise<void> {
  await spreadServersAndEdge(cluster)
  await service.waitUntil('ready', isReady, 120)
}
