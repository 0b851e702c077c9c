import { KubeConfig } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import { atMost } from '../../../api-server/at-most.ts'
import type { ActionName } from '../../../operator/authservice/actions.ts'
import type { AuthService, AuthServiceStatus } from '../../../operator/authservice/api/schema.ts'
import { authServices } from '../../../operator/authservice/kinds.ts'
import type { Component } from '../../../operator/authservice/resources/metadata.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/certificates.ts'
import { encodeSecretData, type SecretData } from '../../../operator/authservice/secrets/secret-data.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Informer } from '../../../operator/kube/informer.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import type { EdgeAddress } from '../../../scripts/demo/edge-client.ts'
import { type Kubectl, kubectlFor } from '../../../scripts/demo/kubectl.ts'
import { namespaceManifest } from '../../../scripts/demo/quickstart.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { edgeNodePort } from '../../cluster/kind-config.ts'
import { ordinary } from '../real-time.ts'
import { manifest } from './manifest.ts'

export const namespace = 'bench-rollouts'
export const name = 'bench'
const host = 'bench.localhost'
/** Of the colour without the traffic, once a scenario gives it a name: its certificate is for that name as well. */
export const previewHost = `preview.${host}`
const certificateSecret = 'bench-certificate'

/** The AuthService under load, as a person sees it who follows its status all the time. */
export class BenchService {
  readonly address: EdgeAddress
  readonly #cluster: Cluster
  readonly #transport: Transport
  readonly #informer: Informer<AuthService>
  readonly #onStatus = new Set<() => void>()
  readonly #nextCertificate: SecretData

  private constructor(cluster: Cluster, certificates: { first: SecretData; next: SecretData }) {
    this.#cluster = cluster
    // Clients trust the authorities of both from the beginning, as they do when a public one changes its chain.
    const ca = `${certificates.first['ca.crt']}${certificates.next['ca.crt']}`
    this.address = { host, ip: '127.0.0.1', port: cluster.edgePort, ca }
    this.#nextCertificate = certificates.next
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfigPath)
    this.#transport = new Transport(config, 'bench')
    this.#informer = new Informer({
      client: new KubeClient(this.#transport, 'bench'),
      resource: authServices,
      namespace,
      log: { debug: () => {}, info: () => {}, warn: console.warn, error: console.error },
    })
    this.#informer.onChange(() => {
      for (const wake of this.#onStatus) wake()
    })
  }

  /** Makes it anew in a namespace of its own. It is not ready yet. */
  static async create(cluster: Cluster): Promise<BenchService> {
    const kubectl = kubectlOf(cluster)
    const remove = ['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=180s']
    await kubectl.run(remove, { timeoutSeconds: 190 })
    await kubectl.run(['apply', '--filename', '-'], { input: namespaceManifest(namespace) })
    const first = issueCertificate([host, previewHost], new Date())
    await kubectl.run(['apply', '--filename', '-'], { input: secretManifest(first) })
    const service = new BenchService(cluster, { first, next: issueCertificate([host, previewHost], new Date()) })
    const input = { namespace, name, host, edgePort: cluster.edgePort, edgeNodePort, certificateSecret }
    await kubectl.run(['apply', '--filename', '-'], { input: stringify(manifest(input)) })
    service.#informer.start()
    return service
  }

  async close(): Promise<void> {
    await this.#informer.stop()
    this.#transport.close()
  }

  get kubectl(): Kubectl {
    return kubectlOf(this.#cluster)
  }

  get status(): AuthServiceStatus {
    return this.#informer.get(`${namespace}/${name}`)?.status ?? {}
  }

  /** Where the rollout is, for the record of a failure. */
  describe(): string {
    const { rollout, activeColor } = this.status
    return `${rollout?.phase ?? 'no rollout'}, ${activeColor ?? 'no colour'} has the traffic`
  }

  /** @returns the generation that the change made */
  async patch(spec: object): Promise<number> {
    const patch = ['patch', 'authservice', name, '--namespace', namespace, '--type=merge', '--output=json']
    const answer = await this.kubectl.run([...patch, '--patch', JSON.stringify({ spec })])
    return JSON.parse(answer).metadata.generation
  }

  /** Asks for an action by its annotation. */
  async order(action: ActionName, value: string): Promise<void> {
    const annotate = ['annotate', 'authservice', name, '--namespace', namespace, '--overwrite']
    await this.kubectl.run([...annotate, `auth-operator.dev/${action}=${value}`])
  }

  /** Gives the edge another certificate, of another authority. @returns it, as PEM */
  async renewCertificate(): Promise<string> {
    await this.kubectl.run(['apply', '--filename', '-'], { input: secretManifest(this.#nextCertificate) })
    return this.#nextCertificate['tls.crt'] ?? ''
  }

  /** Waits for a status. @throws at the deadline, with the status that was seen last */
  async until(what: string, isSo: (status: AuthServiceStatus) => boolean, timeoutSeconds: number): Promise<void> {
    const deadline = performance.now() + timeoutSeconds * 1000
    while (!isSo(this.status)) {
      const left = deadline - performance.now()
      if (left <= 0) {
        const { rollout, conditions } = this.status
        const seen = JSON.stringify({ rollout, conditions: conditions?.filter(({ status }) => status !== 'True') })
        throw new Error(`It is not ${what} after ${timeoutSeconds} s. Its status: ${seen}`)
      }
      await this.#nextStatus(left)
    }
  }

  async #nextStatus(mostMilliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onStatus.add(resolve)
    try {
      await atMost(mostMilliseconds, promise)
    } finally {
      this.#onStatus.delete(resolve)
    }
  }
}

export function kubectlOf({ kubectl, kubeconfigPath, context }: Cluster): Kubectl {
  const [binary, ...options] = ordinary([kubectl, '--kubeconfig', kubeconfigPath, '--context', context])
  return kubectlFor(binary, options)
}

/** Selects pods of the AuthService by what they are of it. */
export function podSelector(...components: Component[]): string {
  return `app.kubernetes.io/instance=${name},app.kubernetes.io/component in (${components.join(', ')})`
}

/** What the selected pods that still exist have logged since then. @param more options of `kubectl logs` */
export function logsOf(cluster: Cluster, selector: string, since: Date, ...more: string[]): Promise<string> {
  const all = ['--tail=-1', '--max-log-requests=30', '--ignore-errors', ...more]
  const read = ['logs', '--namespace', namespace, '--selector', selector, `--since-time=${since.toISOString()}`, ...all]
  return kubectlOf(cluster).run(read)
}

export function isReady({ conditions = [] }: AuthServiceStatus): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function secretManifest(certificate: SecretData): string {
  const metadata = { name: certificateSecret, namespace }
  const data = encodeSecretData(certificate)
  return stringify({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, data })
}
