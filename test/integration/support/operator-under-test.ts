import type { KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import type { Config } from '../../../operator/config.ts'
import { Operator, type OperatorOptions } from '../../../operator/operator.ts'
import { kubeConfigAt } from './kube-api.ts'
import type { Namespace } from './namespace.ts'

/** The operator's settings, unless a test changes them. */
export const settings: Config = {
  images: {
    server: 'example.com/api-server:0.1.0',
    redis: 'example.com/redis:8.0',
    mongodb: 'example.com/mongo:8.0',
    nginx: 'example.com/nginx:1.30',
  },
  watchNamespaces: [],
  allowedImagePrefixes: [],
  allowedIngressAnnotations: [],
  prometheusUrl: undefined,
  workers: 2,
  maxConcurrentRollouts: 0,
  metricsPort: 0,
  profilingPort: undefined,
  leaderElection: undefined,
  podName: 'operator-under-test',
  logLevel: 'fatal',
}

/** Starts an operator in this process that watches one namespace. */
export function startOperator(kubeconfigPath: string, namespace: Namespace, changes: Partial<Config> = {}): Operator {
  return startOperatorWith(kubeConfigAt(kubeconfigPath), namespace, changes)
}

/** Starts an operator with a kubeconfig that may lead to another server or user. */
export function startOperatorWith(
  kubeConfig: KubeConfig,
  namespace: Namespace,
  changes: Partial<Config> = {},
  options: Partial<OperatorOptions> = {},
): Operator {
  const operator = createOperator(kubeConfig, namespace, changes, options)
  // It runs until it is stopped. A failure to start shows in the first test that waits for it.
  operator.run().catch((error: unknown) => console.error('the operator under test ended:', error))
  return operator
}

/** Creates an operator without starting it. */
export function createOperator(
  kubeConfig: KubeConfig,
  namespace: Namespace,
  changes: Partial<Config> = {},
  options: Partial<OperatorOptions> = {},
): Operator {
  return new Operator(
    { ...settings, watchNamespaces: [namespace.name], ...changes },
    {
      kubeConfig,
      version: '0.1.0',
      log: pino({ level: settings.logLevel }),
      lookUpKindsEveryMilliseconds: 500,
      clientBurstMilliseconds: 100,
      ...options,
    },
  )
}

/** The number of requests that are not reads, by the operator's own metrics. */
export async function writesOf(operator: Operator): Promise<number> {
  const requests = await operator.registry.getSingleMetric('rest_client_requests_total')?.get()
  const writes = requests?.values.filter(({ labels }) => labels['method'] !== 'GET') ?? []
  return writes.reduce((total, { value }) => total + value, 0)
}

/** The number of completed reconciles, by the operator's own metrics. */
function reconcilesOf(operator: Operator): Promise<number> {
  return totalOf(operator, 'controller_runtime_reconcile_total')
}

async function totalOf(operator: Operator, metric: string): Promise<number> {
  const series = await operator.registry.getSingleMetric(metric)?.get()
  return series?.values.reduce((total, { value }) => total + value, 0) ?? 0
}

/**
 * Waits until there was no reconcile and no write for a second, so that all watch events are handled. Events are written
 * after the reconcile that records them.
 */
export async function untilQuiet(operator: Operator, timeoutMilliseconds = 60_000): Promise<void> {
  let last = ''
  let since = performance.now()
  const quietMilliseconds = async () => {
    const isBusy = (await totalOf(operator, 'controller_runtime_active_workers')) > 0
    const now = `${await reconcilesOf(operator)} reconciles, ${await writesOf(operator)} writes`
    if (isBusy || now !== last) since = performance.now()
    last = now
    return performance.now() - since
  }
  // Unlike expect.poll, also possible in a hook.
  await vi.waitFor(
    async () =>
      expect(await quietMilliseconds(), 'milliseconds without a reconcile and a write').toBeGreaterThan(1_000),
    { timeout: timeoutMilliseconds, interval: 50 },
  )
}

/** Makes a change that starts a reconcile, and waits until the operator has handled it. */
export async function untilReconciled(operator: Operator, change: () => Promise<void>): Promise<void> {
  const before = await reconcilesOf(operator)
  await change()
  await expect.poll(() => reconcilesOf(operator), { message: 'reconciles' }).toBeGreaterThan(before)
  await untilQuiet(operator)
}
