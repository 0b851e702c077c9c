import { Listr } from 'listr2'
import type { TestProject } from 'vitest/node'
import { kubectlFor } from '../../scripts/demo/kubectl.ts'
import { installOperator } from '../../scripts/demo/operator-install.ts'
import { applyQuickstart, readQuickstart } from '../../scripts/demo/quickstart.ts'
import { waitUntilReady } from '../../scripts/demo/readiness.ts'
import { clusterTasks, imageTasks, runningCluster } from '../cluster/cluster.ts'

/** The quickstart that all end-to-end tests share. */
export interface QuickstartUnderTest {
  namespace: string
  name: string
  host: string
  /** From the moment that it was applied. */
  readySeconds: number
}

declare module 'vitest' {
  interface ProvidedContext {
    quickstart: QuickstartUnderTest
  }
}

/**
 * Brings the cluster up with this checkout's operator and one quickstart AuthService.
 * The cluster stays for the next run: `npm run cluster -- down` removes it.
 */
export default async function setup(project: TestProject): Promise<void> {
  await new Listr([...clusterTasks(), ...imageTasks()], { renderer: 'verbose' }).run()
  const { kubectl: binary, kubeconfigPath, context, edgePort } = await runningCluster()
  const kubectl = kubectlFor(binary, ['--kubeconfig', kubeconfigPath, '--context', context])
  await installOperator(kubectl)

  const quickstart = await readQuickstart('e2e')
  // The node port is the demo's as well, and a quickstart of an earlier run would be ready at once.
  await kubectl.run(['delete', 'namespace', 'authservice-demo', 'e2e', '--ignore-not-found', '--timeout=180s'], {
    timeoutSeconds: 190,
  })
  const applied = performance.now()
  await applyQuickstart(kubectl, quickstart)
  await waitUntilReady(kubectl, { ...quickstart, timeoutSeconds: 300 }, (message) =>
    console.log(`quickstart: ${message}`),
  )
  const readySeconds = (performance.now() - applied) / 1000
  console.log(`quickstart: ready after ${readySeconds.toFixed(1)} s`)

  project.provide('cluster', { kubectl: binary, kubeconfigPath, context, edgePort })
  project.provide('quickstart', { ...quickstart, readySeconds })
}
