import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Kubectl } from './kubectl.ts'
import type { StepLog } from './step-log.ts'

/** The same in both modes: published, or built into the node image under this name. */
export const metricsServerImage = 'registry.k8s.io/metrics-server/metrics-server:v0.9.0'

const manifestFile = resolve(import.meta.dirname, 'metrics-server.yaml')

/**
 * Installs what a HorizontalPodAutoscaler measures CPU with, and waits until it answers: before that, discovery
 * fails in part, and a namespace cannot be deleted.
 */
export async function installMetricsServer([binary, ...options]: Kubectl, log: StepLog): Promise<void> {
  const manifest = await readFile(manifestFile, 'utf8')
  await log.run(binary, [...options, 'apply', '--server-side', '--filename', '-'], { input: manifest })
  log.report('Waiting for the first measurements')
  const available = ['wait', '--for=condition=Available', 'apiservice/v1beta1.metrics.k8s.io', '--timeout=180s']
  await log.run(binary, [...options, ...available])
}
