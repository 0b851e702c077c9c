import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { type ServerProcess, startProcess } from '../../../tools/local-servers/server-process.ts'
import { settings } from './operator-under-test.ts'

const program = resolve(import.meta.dirname, '../../../operator/main.ts')

/**
 * Starts the operator in a process of its own, without leader election.
 * @param nodeOptions such as a limit of the heap
 */
export async function startOperatorProcess(
  kubeConfig: KubeConfig,
  namespace: string,
  nodeOptions: readonly string[] = [],
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-operator-'))
  const kubeconfigPath = join(folder, 'kubeconfig')
  await writeFile(kubeconfigPath, kubeConfig.exportConfig(), { mode: 0o600 })
  const { images } = settings
  const env = {
    KUBECONFIG: kubeconfigPath,
    WATCH_NAMESPACES: namespace,
    LEADER_ELECTION: 'false',
    METRICS_PORT: '0',
    LOG_LEVEL: 'warn',
    RELATED_IMAGE_API_SERVER: images.server,
    RELATED_IMAGE_REDIS: images.redis,
    RELATED_IMAGE_MONGODB: images.mongodb,
    RELATED_IMAGE_NGINX: images.nginx,
  }
  const operator = await startProcess({ path: process.execPath, env }, [...nodeOptions, program], async () => true)
  const stop: ServerProcess['stop'] = async (signal) => {
    await operator.stop(signal)
    await rm(folder, { recursive: true, force: true })
  }
  return { ...operator, stop }
}
