import type { TestProject } from 'vitest/node'
import { freeEdgePort } from '../../../tools/cluster-client/edge-port.ts'
import { startCluster } from '../../e2e/prepare-cluster.ts'

/** Starts a cluster with a free node port for edges. Each test file installs the operator in its own way. */
export default async function setup(project: TestProject): Promise<void> {
  await freeEdgePort(await startCluster(project))
}
