import type { TestProject } from 'vitest/node'
import { prepareCluster } from '../../e2e/prepare-cluster.ts'

/** Starts a cluster with the operator and a free node port for the edge. Each test file creates its own AuthService. */
export default async function setup(project: TestProject): Promise<void> {
  await prepareCluster(project)
}
