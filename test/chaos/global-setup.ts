import type { TestProject } from 'vitest/node'
import { wishesForDrain } from '../cluster/cluster.ts'
import { prepareCluster } from '../e2e/prepare-cluster.ts'

/** A cluster with a node to drain. Each file makes the AuthService that it disturbs. */
export default async function setup(project: TestProject): Promise<void> {
  await prepareCluster(project, await wishesForDrain())
}
