import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { type ServerProcess, startProcess } from '../../servers/server-process.ts'
import { settings } from './operator-under-test.ts'

const program = resolve(import.meta.dirname, '../../../operator/main.ts')

/** The operator as a program of its own, as in its container. It leads without asking: nobody else does. */
export async function startOperatorProcess(kubeConfig: KubeConfig, namespace: string): Promise<ServerProcess> {
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
  const operator = await startProcess({ path: process.execPath, env }, [program], async () => true)
  const stop: ServerProcess['stop'] = async (signal) => {
    await operator.stop(signal)
    await rm(folder, { recursive: true, force: true })
  }
  return { ...operator, stop }
}
