import type { TestProject } from 'vitest/node'
import { applyQuickstart, readQuickstart } from '../../tools/cluster-client/quickstart.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import { prepareCluster } from './prepare-cluster.ts'

/** The quickstart AuthService that the end-to-end tests share. */
export interface QuickstartUnderTest {
  namespace: string
  name: string
  host: string
  /** Seconds from `kubectl apply` until it is ready. */
  readySeconds: number
}

declare module 'vitest' {
  interface ProvidedContext {
    quickstart: QuickstartUnderTest
  }
}

/** Starts a cluster with a new quickstart AuthService: one of an earlier run would be ready at once. */
export default async function setup(project: TestProject): Promise<void> {
  const kubectl = await prepareCluster(project)
  const quickstart = await readQuickstart('e2e')
  const applied = performance.now()
  await applyQuickstart(kubectl, quickstart)
  await waitUntilReady(kubectl, { ...quickstart, timeoutSeconds: 300 }, (message) =>
    console.log(`quickstart: ${message}`),
  )
  const readySeconds = (performance.now() - applied) / 1000
  console.log(`quickstart: ready after ${readySeconds.toFixed(1)} s`)
  project.provide('quickstart', { ...quickstart, readySeconds })
}
