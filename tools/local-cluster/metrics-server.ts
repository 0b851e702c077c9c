import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { StepLog } from '../programs/step-log.ts'
import type { Kubectl } from './kubectl.ts'

/** The same in both modes: the published image, or an image of this name that is built into the node image. */
export const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.9.0'

const manifestFile = resolve(import.meta.dirname, 'metrics-server.yaml')

/**
 * Installs metrics-server, which autoscalers read CPU usage from, and waits until it answers. Before that, discovery
 * fails partially and namespaces cannot be deleted.
 */
export async function installMetricsServer([binary, ...options]: Kubectl, log: StepLog): Promise<void> {
  const manifest = await readFile(manifestFile, 'utf8')
  await log.run(binary, [...options, 'apply', '--server-side', '--filename', '-'], { input: manifest })
  log.report('Waiting for the first measurements')
  const available = ['wait', '--for=condition=Available', 'apiservice/v1beta1.metrics.k8s.io', '--timeout=180s']
  await log.run(binary, [...options, ...available])
}
