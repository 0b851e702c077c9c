import { stringify } from 'yaml'
import type { AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import type { ActionName } from '../../operator/authservice/model/actions.ts'
import type { Component } from '../../operator/authservice/model/labels.ts'
import type { SecretData } from '../../operator/authservice/model/secret-data.ts'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'
import { type Kubectl, kubectlOf } from '../../tools/cluster-client/kubectl.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'
import { edgeNodePort } from '../../tools/local-cluster/kind-config.ts'
import { applyCertificate, recreateNamespace } from '../load-target.ts'
import { manifest } from './manifest.ts'
import { StatusWatch } from './status-watch.ts'

export const namespace = 'bench-rollouts'
export const name = 'bench'
const host = 'bench.localhost'
/** The host name of the colour without traffic. One scenario sets it; the certificate covers it from the start. */
export const previewHost = `preview.${host}`

/** The AuthService under load. An informer follows its status. */
export class BenchService {
  readonly address: EdgeAddress
  readonly #cluster: Cluster
  readonly #watch: StatusWatch
  readonly #nextCertificate: SecretData

  private constructor(cluster: Cluster, certificates: { first: SecretData; next: SecretData }) {
    this.#cluster = cluster
    // Clients trust both authorities from the start, as they do when a public authority changes its chain.
    const ca = `${certificates.first['ca.crt']}${certificates.next['ca.crt']}`
    this.address = { host, ip: '127.0.0.1', port: cluster.edgePort, ca }
    this.#nextCertificate = certificates.next
    this.#watch = new StatusWatch(cluster, namespace)
  }

  /** Creates the AuthService in an empty namespace. It is not ready when this returns. */
  static async create(cluster: Cluster): Promise<BenchService> {
    const kubectl = kubectlOf(cluster)
    await recreateNamespace(kubectl, namespace)
    const first = issueCertificate([host, previewHost], new Date())
    await applyCertificate(kubectl, namespace, first)
    const service = new BenchService(cluster, { first, next: issueCertificate([host, previewHost], new Date()) })
    const input = { namespace, name, host, edgePort: cluster.edgePort, edgeNodePort }
    await kubectl.run(['apply', '--filename', '-'], { input: stringify(manifest(input)) })
    service.#watch.start()
    return service
  }

  async close(): Promise<void> {
    await this.#watch.close()
  }

  get kubectl(): Kubectl {
    return kubectlOf(this.#cluster)
  }

  get status(): AuthServiceStatus {
    return this.#watch.statusOf(name)
  }

  /** The state of the rollout, for the record of a failure. */
  describe(): string {
    const { rollout, activeColor } = this.status
    return `${rollout?.phase ?? 'no rollout'}, traffic on ${activeColor ?? 'no colour'}`
  }

  async patch(spec: object): Promise<void> {
    const patch = ['patch', 'authservice', name, '--namespace', namespace, '--type=merge']
    await this.kubectl.run([...patch, '--patch', JSON.stringify({ spec })])
  }

  /** Requests an action by its annotation. */
  async requestAction(action: ActionName, value: string): Promise<void> {
    const annotate = ['annotate', 'authservice', name, '--namespace', namespace, '--overwrite']
    await this.kubectl.run([...annotate, `auth-operator.dev/${action}=${value}`])
  }

  /** Replaces the certificate of the edge by one of another authority. @returns the certificate as PEM */
  async renewCertificate(): Promise<string> {
    await applyCertificate(this.kubectl, namespace, this.#nextCertificate)
    return this.#nextCertificate['tls.crt'] ?? ''
  }

  /**
   * Waits until the status meets a condition.
   *
   * @param state names the condition, after `AuthService NAME is not`
   * @throws at the deadline, with the status that was seen last
   */
  async waitUntil(state: string, isMet: (status: AuthServiceStatus) => boolean, timeoutSeconds: number): Promise<void> {
    await this.#watch.waitUntil(name, state, isMet, timeoutSeconds)
  }
}

/** A label selector for the pods of these components of the AuthService. */
export function podSelector(...components: Component[]): string {
  return `app.kubernetes.io/instance=${name},app.kubernetes.io/component in (${components.join(', ')})`
}

/** The logs since a time of the selected pods that still exist. */
export function logsOf(cluster: Cluster, selector: string, since: Date): Promise<string> {
  const all = ['--tail=-1', '--max-log-requests=30', '--ignore-errors']
  const read = ['logs', '--namespace', namespace, '--selector', selector, `--since-time=${since.toISOString()}`, ...all]
  return kubectlOf(cluster).run(read)
}
