import type { KubeClient } from '../../kube/client.ts'
import { keyOf } from '../../kube/objects.ts'
import { queryUrl, readPage } from '../../prometheus/query.ts'
import type { AuthService } from '../api/schema.ts'
import type { AuthServiceKey } from '../model/auth-service-key.ts'
import type { IngressClass } from '../model/exposure.ts'
import { type Availabilities, resourceOf, secrets, volumeClaims } from '../model/kinds.ts'
import type { Manifest } from '../model/manifest.ts'
import type { EndpointSlice, LabelledPod, PrometheusAnswer, ServerReports } from '../model/observed-objects.ts'
import { readAnswer } from '../rollout/analysis/prometheus.ts'
import type { CachedChild } from './cache/cache-transforms.ts'
import type {
  ClientSource,
  ClusterReader,
  ObservedClients,
  SecretManifest,
  VolumeClaim,
  WantedClients,
} from './cluster-reader.ts'
import { refusalIn } from './edge-reports.ts'
import { readPodPage } from './pod-pages.ts'
import type { PodAddress } from './pod-poller.ts'
import type { Watches } from './watches.ts'

const prometheusAnswerMilliseconds = 5_000

export interface KubeClusterReaderOptions {
  watches: Watches
  client: KubeClient
  clients: ClientSource
  /** Address of Prometheus, see `queryUrl`; undefined: none is configured. */
  prometheusUrl: string | undefined
  /** Ends every request: it rejects with RequestCanceledError. */
  signal?: AbortSignal
}

/** Reads the cluster: frequently read objects from the caches of the watches, everything else with requests. */
export class KubeClusterReader implements ClusterReader {
  readonly #options: KubeClusterReaderOptions
  readonly #watches: Watches
  readonly #client: KubeClient

  constructor(options: KubeClusterReaderOptions) {
    this.#options = options
    this.#watches = options.watches
    this.#client = options.client
  }

  /** The same reader, whose requests end when the signal aborts. */
  until(signal: AbortSignal): KubeClusterReader {
    const { client } = this.#options
    return new KubeClusterReader({ ...this.#options, client: client.withSignal(signal), signal })
  }

  cachedAuthService(key: AuthServiceKey): AuthService | undefined {
    return this.#watches.authServices.get(key)
  }

  cachedChildren(owner: AuthService): readonly CachedChild[] {
    return this.#watches.children.of(owner)
  }

  cachedOrphans(owner: AuthService): readonly Manifest[] {
    return this.#watches.children.orphansOf(owner)
  }

  refuseOrphan(owner: AuthService, object: Manifest): void {
    this.#watches.children.refuseOrphan(owner, object)
  }

  cachedPods(owner: AuthService): readonly LabelledPod[] {
    return this.#watches.pods.of(owner)
  }

  cachedEndpointSlices(owner: AuthService): readonly EndpointSlice[] {
    return this.#watches.endpointSlices.of(owner)
  }

  availabilities(): Availabilities {
    return this.#watches.children.optional.availabilities()
  }

  cachedIngressClasses(): readonly IngressClass[] {
    return this.#watches.children.optional.ingressClasses()
  }

  oidcClients(owner: AuthService, file: string | undefined): WantedClients | undefined {
    return this.#options.clients.oidcClients(owner, file)
  }

  observeClients(owner: AuthService, observed: ObservedClients, now: Date): void {
    this.#options.clients.observeClients(owner, observed, now)
  }

  expectSecrets({ metadata }: AuthService, names: readonly string[]): void {
    this.#watches.referencedSecrets.expect(metadata, names)
  }

  edgeRefusal(owner: AuthService, content: string, pods: readonly PodAddress[]): string | undefined {
    return refusalIn(this.#watches.edgeReports.reportsOf(keyOf(owner), pods, content))
  }

  serverReports(owner: AuthService, pods: readonly PodAddress[], clientsRevision: string | undefined): ServerReports {
    return this.#watches.serverReports.reportsOf(keyOf(owner), pods, clientsRevision)
  }

  readLive(object: Manifest): Promise<Manifest | undefined> {
    return this.#client.getIfExists<Manifest>(resourceOf(object), object.metadata.namespace, object.metadata.name)
  }

  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined> {
    return this.#client.getIfExists<SecretManifest>(secrets, namespace, name)
  }

  readVolumeClaim(namespace: string, name: string): Promise<VolumeClaim | undefined> {
    return this.#client.getIfExists<VolumeClaim>(volumeClaims, namespace, name)
  }

  readFromPod(url: string, mostBytes: number): Promise<string | undefined> {
    return readPodPage(url, { mostBytes, signal: this.#options.signal })
  }

  async queryPrometheus(namespace: string, query: string): Promise<PrometheusAnswer> {
    const { prometheusUrl, signal } = this.#options
    if (prometheusUrl === undefined) return { failure: 'the operator has no PROMETHEUS_URL' }
    const page = await readPage(queryUrl(prometheusUrl, namespace, query), {
      timeoutMilliseconds: prometheusAnswerMilliseconds,
      signal,
    })
    return 'failure' in page ? page : readAnswer(page.body)
  }
}
