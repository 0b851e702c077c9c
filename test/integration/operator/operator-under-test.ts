import type { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { expect } from 'vitest'
import type { Config } from '../../../operator/config.ts'
import { Operator, type OperatorOptions } from '../../../operator/operator.ts'
import { kubeConfigAt, type Namespace } from './namespace.ts'

/** What an operator in a test works with unless the test says otherwise. */
export const settings: Config = {
  images: {
    server: 'example.com/api-server:0.1.0',
    redis: 'example.com/redis:8.0',
    mongodb: 'example.com/mongo:8.0',
    nginx: 'example.com/nginx:1.30',
  },
  watchNamespaces: [],
  allowedImagePrefixes: [],
  prometheusUrl: undefined,
  workers: 2,
  metricsPort: 0,
  profilingPort: undefined,
  leaderElection: undefined,
  podName: 'operator-under-test',
  logLevel: 'fatal',
}

/** A whole operator in this process that looks after one namespace. */
export function startOperator(kubeconfigPath: string, namespace: Namespace, changes: Partial<Config> = {}): Operator {
  return startOperatorWith(kubeConfigAt(kubeconfigPath), namespace, changes)
}

/** The same, by a kubeconfig that may lead to another server or to another user. */
export function startOperatorWith(
  kubeConfig: KubeConfig,
  namespace: Namespace,
  changes: Partial<Config> = {},
  options: Partial<OperatorOptions> = {},
): Operator {
  const operator = createOperator(kubeConfig, namespace, changes, options)
  // It runs until it is stopped; a failure to start shows in the first test that waits for it.
  operator.run().catch((error: unknown) => console.error('the operator under test ended:', error))
  return operator
}

/** One that does not run yet. */
export function createOperator(
  kubeConfig: KubeConfig,
  namespace: Namespace,
  changes: Partial<Config> = {},
  options: Partial<OperatorOptions> = {},
): Operator {
  return new Operator(
    { ...settings, watchNamespaces: [namespace.name], ...changes },
    {
      ...{ kubeConfig, version: '0.1.0', log: pino({ level: settings.logLevel }) },
      lookUpKindsEveryMilliseconds: 500,
      ...options,
    },
  )
}

/** Requests that changed something, by the operator's own metrics. */
export async function writesOf(operator: Operator): Promise<number> {
  const requests = await operator.registry.getSingleMetric('rest_client_requests_total')?.get()
  const writes = requests?.values.filter(({ labels }) => labels['method'] !== 'GET') ?? []
  return writes.reduce((total, { value }) => total + value, 0)
}

/** Finished visits, by the operator's own metrics. */
export async function visitsOf(operator: Operator): Promise<number> {
  const visits = await operator.registry.getSingleMetric('controller_runtime_reconcile_total')?.get()
  return visits?.values.reduce((total, { value }) => total + value, 0) ?? 0
}

/** Waits until no visit was made for half a second: what the watches had to tell is told. */
export async function untilQuiet(operator: Operator, timeoutMilliseconds: number): Promise<void> {
  let last = -1
  let since = performance.now()
  await expect
    .poll(
      async () => {
        const visits = await visitsOf(operator)
        if (visits !== last) since = performance.now()
        last = visits
        return performance.now() - since
      },
      { timeout: timeoutMilliseconds, interval: 50, message: 'milliseconds without a visit' },
    )
    .toBeGreaterThan(500)
}
