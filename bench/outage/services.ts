import { stringify } from 'yaml'
import { apiVersion, kind } from '../../operator/authservice/api/group.ts'
import type { AuthService, AuthServiceSpec } from '../../operator/authservice/api/schema.ts'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'
import type { Kubectl } from '../../tools/cluster-client/kubectl.ts'
import { waitUntilReady } from '../../tools/cluster-client/readiness.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { edgeNodePort } from '../../tools/local-cluster/kind-config.ts'
import { applyCertificate, nodeAddress, recreateNamespace, specUnderLoad } from '../load-target.ts'

const namespace = 'bench-outage'
/** The node port of the AuthService whose databases stay. The cluster publishes the node port of the other one. */
const controlNodePort = edgeNodePort + 1

export type Database = 'mongodb' | 'redis'

/** One AuthService of the bench. */
class OutageService {
  readonly name: string
  readonly address: EdgeAddress
  readonly #kubectl: Kubectl

  constructor(name: string, address: EdgeAddress, kubectl: Kubectl) {
    this.name = name
    this.address = address
    this.#kubectl = kubectl
  }

  /**
   * Scales its databases. The AuthService is suspended while they are at zero: otherwise, the operator would scale them
   * up again. Their volumes are kept.
   */
  async scale(databases: readonly Database[], replicas: 0 | 1): Promise<void> {
    const patch = JSON.stringify({ spec: { suspend: replicas === 0 } })
    const suspend = () => this.#run('patch', 'authservice', this.name, '--type=merge', '--patch', patch)
    if (replicas === 0) await suspend()
    const sets = databases.map((database) => `statefulset/${this.name}-${database}`)
    await this.#run('scale', ...sets, `--replicas=${replicas}`)
    if (replicas === 1) await suspend()
  }

  /** The names of the server pods with the restart count of their containers. */
  async serverPods(): Promise<Record<string, number>> {
    const selector = `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=server`
    const { items } = await this.#kubectl.json<{
      items: { metadata: { name: string }; status: { containerStatuses?: { restartCount: number }[] } }[]
    }>(['get', 'pods', '--namespace', namespace, '--selector', selector])
    const counts = items.map(({ metadata, status }) => [
      metadata.name,
      status.containerStatuses?.[0]?.restartCount ?? 0,
    ])
    return Object.fromEntries(counts.sort(([one], [other]) => String(one).localeCompare(String(other))))
  }

  /** The conditions that are not True, with their messages. */
  async conditions(): Promise<string[]> {
    const { status } = await this.#kubectl.json<AuthService>([
      'get',
      'authservice',
      this.name,
      '--namespace',
      namespace,
    ])
    return (status?.conditions ?? [])
      .filter((condition) => condition.status !== 'True')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
  }

  #run(...command: string[]): Promise<string> {
    return this.#kubectl.run([...command, '--namespace', namespace])
  }
}

/** Creates both in an empty namespace and waits until they are ready. */
export async function createServices(cluster: Cluster, kubectl: Kubectl) {
  await recreateNamespace(kubectl, namespace)
  const hosts = ['outage.localhost', 'control.localhost']
  const certificate = issueCertificate(hosts, new Date())
  const ca = certificate['ca.crt'] ?? ''
  await applyCertificate(kubectl, namespace, certificate)
  const [affectedHost = '', controlHost = ''] = hosts
  const outageAddress = { host: affectedHost, ip: '127.0.0.1', port: cluster.edgePort, ca }
  const affected = new OutageService('outage', outageAddress, kubectl)
  const control = new OutageService(
    'control',
    { host: controlHost, ip: await nodeAddress(kubectl), port: controlNodePort, ca },
    kubectl,
  )
  const manifests = [
    manifest(affected.name, affectedHost, edgeNodePort),
    manifest(control.name, controlHost, controlNodePort),
  ]
  await kubectl.run(['apply', '--filename', '-'], { input: manifests.join('---\n') })
  for (const { name } of [affected, control]) {
    await waitUntilReady(kubectl, { namespace, name, timeoutSeconds: 300 }, console.log)
  }
  return { affected, control }
}

/** The presets of development, whose pods request little CPU and memory: cluster and load share one small machine. */
function manifest(name: string, host: string, nodePort: number): string {
  const spec: AuthServiceSpec = {
    environment: 'development',
    replicas: 2,
    autoscaling: { enabled: false },
    mongodb: { managed: {} },
    redis: { managed: {} },
    tokens: { issuer: `https://${host}`, audience: 'bench', accessTokenLifetime: '2h' },
    ...specUnderLoad(host, nodePort),
  }
  return stringify({ apiVersion, kind, metadata: { name, namespace }, spec })
}
