import type { TestProject } from 'vitest/node'
import { requestForDrain } from '../../tools/local-cluster/cluster.ts'
import { prepareCluster } from '../e2e/prepare-cluster.ts'

/** Starts a cluster with a node to drain. Each test file creates its own AuthService. */
export default async function setup(project: TestProject): Promise<void> {
  await prepareCluster(project, await requestForDrain())
}
