import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetesBinaries } from './binaries.ts'
import { freePort, startProcess } from './server-process.ts'

/** An API server with its etcd, without a scheduler and controllers. */
export interface TestApiServer {
  /** The kubeconfig of an administrator. */
  kubeconfigPath: string
  port: number
  etcdPort: number
  /** Kills etcd and starts it again with the same data. */
  restartEtcd(): Promise<void>
  stop(): Promise<void>
}

/** @param more further flags of kube-apiserver */
export async function startKubeApiserver(more: readonly string[] = []): Promise<TestApiServer> {
  const { kubeApiserver, etcd } = await kubernetesBinaries()
  // In reverse order: an API server whose etcd is gone hangs instead of ending.
  await using cleanup = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'authservice-apiserver-'))
  cleanup.defer(() => rm(folder, { recursive: true, force: true }))
  const [port, etcdPort, peerPort] = await Promise.all([freePort(), freePort(), freePort()])
  const token = randomBytes(16).toString('hex')
  const etcdUrl = `http://127.0.0.1:${etcdPort}`

  const startEtcd = () =>
    startProcess(
      { path: etcd, env: {} },
      [
        `--data-dir=${join(folder, 'etcd')}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
        '--unsafe-no-fsync=true',
        '--log-level=warn',
      ],
      async () => (await fetch(`${etcdUrl}/health`).catch(() => undefined))?.ok === true,
    )
  let etcdProcess = await startEtcd()
  cleanup.defer(() => etcdProcess.stop('SIGKILL'))
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 })
  await writeFile(join(folder, 'service-account.key'), serviceAccountKey(), { mode: 0o600 })
  const apiServer = await startProcess(
    { path: kubeApiserver, env: {} },
    [
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${folder}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--allow-privileged=true',
      '--service-cluster-ip-range=10.0.0.0/12',
      '--service-account-issuer=https://kubernetes.default.svc',
      ...['service-account-key-file', 'service-account-signing-key-file'].map(
        (flag) => `--${flag}=${join(folder, 'service-account.key')}`,
      ),
      // ConfigMaps bypass the watch cache, so that a compaction of etcd makes their resource versions expire.
      '--watch-cache-sizes=configmaps#0',
      // ServiceAccount admission would wait for a controller that does not run here.
      '--disable-admission-plugins=ServiceAccount',
      ...more,
    ],
    () => isReady(port, token),
  )
  cleanup.defer(() => apiServer.stop('SIGKILL'))
  const kubeconfigPath = join(folder, 'kubeconfig')
  await writeFile(kubeconfigPath, kubeconfig(port, token), { mode: 0o600 })
  const running = cleanup.move()
  return {
    kubeconfigPath,
    port,
    etcdPort,
    restartEtcd: async () => {
      await etcdProcess.stop('SIGKILL')
      etcdProcess = await startEtcd()
    },
    stop: () => running.disposeAsync(),
  }
}

function serviceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}

function isReady(port: number, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request(
      {
        port,
        host: '127.0.0.1',
        path: '/readyz',
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${token}` },
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200)
      },
    )
    probe.on('error', () => resolve(false))
    probe.setTimeout(2_000, () => probe.destroy())
    probe.end()
  })
}

/** The server has created its certificate itself, so the kubeconfig does not verify it. */
function kubeconfig(port: number, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  })
}
