import type { KubeClient } from '../kube/client.ts'
import type { Discovery } from '../kube/discovery.ts'
import { isNotFound, KubeError } from '../kube/errors.ts'
import type { EventRecorder } from '../kube/events.ts'
import { Informer, type Log, type ObjectStore } from '../kube/informer.ts'
import { type KubernetesObject, keyOf, type ObjectKey, type Resource, splitKey } from '../kube/objects.ts'
import { readText } from '../kube/read-text.ts'
import { queryUrl, readPage } from '../prometheus/query.ts'
import { apiVersion, kind } from './api/group.ts'
import type { AuthService, AuthServiceStatus } from './api/schema.ts'
import type { LiveManifest } from './apply/field-owner.ts'
import type { Manifest } from './apply/plan.ts'
import { managedByLabel, withoutManagedFields, withReasonsOnly, withTargetsOnly } from './cache-transforms.ts'
import { ChildIndex, controllerOf } from './child-index.ts'
import type { Announcement, AuthServiceKey, Cluster, EndpointSlice, LabelledPod, SecretManifest } from './cluster.ts'
import { type EdgePod, EdgeReports } from './edge-reports.ts'
import type { IngressClass } from './front.ts'
import { InstanceIndex, instanceLabel } from './instance-index.ts'
import {
  type Availabilities,
  authServices,
  childKinds,
  deployments,
  endpointSlices,
  ingressClasses,
  pods,
  resourceOf,
  secrets,
  volumeClaims,
} from './kinds.ts'
import { OptionalChildren } from './optional-children.ts'
import { PackedStore, wordsOfMember, wordsOfOwner } from './packed-store.ts'
import { edgeLayout } from './resources/edge-layout.ts'
import { type PrometheusAnswer, readAnswer } from './rollout/prometheus.ts'

/** A pod that does not answer within so long holds up no visit. */
const podAnswerMilliseconds = 1_000
const prometheusAnswerMilliseconds = 5_000

/** What the cluster is reached by. */
export interface KubeClusterOptions {
  client: KubeClient
  discovery: Discovery
  recorder: EventRecorder
  log: Log
  /** Namespaces to watch; empty for all. */
  namespaces: readonly string[]
  /** Address of Prometheus, see `queryUrl`; undefined: there is none to ask. */
  prometheusUrl?: string | undefined
  /** How often it is asked which kinds the cluster has. */
  intervalMilliseconds?: number
  /** How long a watch runs before the next one takes over. */
  watchSeconds?: { least: number; most: number }
  onHandlerError?: (kind: string) => void
  onList?: (kind: string) => void
}

/** The cluster by the Kubernetes API: informers for what is read often, requests for the rest. */
export class KubeCluster implements Cluster {
  readonly #options: KubeClusterOptions
  readonly #authServices: Informer<AuthService>[]
  readonly #pods: Informer<LabelledPod & KubernetesObject>[]
  readonly #endpointSlices: Informer<EndpointSlice & KubernetesObject>[]
  readonly #children: Informer<Manifest>[]
  readonly #optionalChildren: OptionalChildren
  readonly #index = new ChildIndex()
  readonly #podIndex = new InstanceIndex()
  readonly #sliceIndex = new InstanceIndex()
  readonly #edgeReports: EdgeReports
  #look: (key: AuthServiceKey, when: 'now' | 'soon') => void = () => {}

  constructor(options: KubeClusterOptions) {
    this.#options = options
    this.#edgeReports = new EdgeReports({
      read: (url) => this.readFromPod(url),
      onNews: (key) => {
        const { namespace, name } = splitKey(key)
        if (namespace !== undefined) this.#look({ namespace, name }, 'soon')
      },
      healthPort: edgeLayout.ports.health,
    })
    const labelSelector = `${managedByLabel.name}=${managedByLabel.value}`
    this.#authServices = this.#inform<AuthService>(authServices, {
      transform: withoutManagedFields,
      store: () => new PackedStore<AuthService>(wordsOfOwner),
    })
    this.#pods = this.#inform<LabelledPod & KubernetesObject>(pods, {
      labelSelector,
      transform: withReasonsOnly,
      store: () => new PackedStore<LabelledPod & KubernetesObject>(wordsOfMember(instanceLabel)),
    })
    this.#endpointSlices = this.#inform<EndpointSlice & KubernetesObject>(endpointSlices, {
      labelSelector,
      transform: withTargetsOnly,
      store: () => new PackedStore<EndpointSlice & KubernetesObject>(wordsOfMember(instanceLabel)),
    })
    const informChildren = (resource: Resource) =>
      this.#inform<Manifest>(resource, {
        labelSelector,
        transform: withoutManagedFields,
        keep: (child) => this.#index.identityOf(child),
      })
    this.#children = childKinds.flatMap(informChildren)
    this.#optionalChildren = new OptionalChildren({
      ...options,
      inform: informChildren,
      informClasses: () =>
        this.#inform<KubernetesObject & IngressClass>(ingressClasses, { transform: withoutManagedFields }),
    })
    for (const informer of this.#pods) informer.onChange((change) => this.#podIndex.take(change))
    for (const informer of this.#endpointSlices) informer.onChange((change) => this.#sliceIndex.take(change))
    for (const informer of [...this.#children, this.#optionalChildren]) {
      informer.onChange((change) => {
        if (change.type === 'updated') this.#index.remove(change.before)
        if (change.type === 'deleted') this.#index.remove(change.object)
        else this.#index.put(change.object)
      })
    }
  }

  /**
   * Calls back with the AuthService that has to be looked at, for each change of it or of something that it runs. What
   * it runs changes in bursts, our own writes included: one visit a little later sees all of a burst.
   */
  onChange(look: (key: AuthServiceKey, when: 'now' | 'soon') => void): void {
    this.#look = look
    for (const informer of this.#authServices) {
      informer.onChange((change) => {
        if (change.type === 'deleted') this.#edgeReports.forget(keyOf(change.object))
        if (change.type === 'updated' && isOnlyStatus(change.before, change.object)) return
        look(change.object.metadata, 'now')
      })
    }
    for (const informer of [...this.#children, this.#optionalChildren]) {
      informer.onChange((change) => {
        // An edit may have taken the owner away: then the one from before is the one to look at.
        for (const key of new Set([
          ownerOf(change.object),
          change.type === 'updated' ? ownerOf(change.before) : undefined,
        ])) {
          if (key !== undefined) look(key, 'soon')
        }
      })
    }
    const lookByLabel = ({ object }: { object: KubernetesObject }) => {
      const { namespace, labels } = object.metadata
      const name = labels?.[instanceLabel]
      if (name !== undefined && namespace !== undefined) look({ namespace, name }, 'soon')
    }
    for (const informer of this.#pods) informer.onChange(lookByLabel)
    for (const informer of this.#endpointSlices) informer.onChange(lookByLabel)
  }

  /** Starts the watches. @returns when every cache has its first list */
  async start(): Promise<void> {
    for (const informer of this.#informers) informer.start()
    await Promise.all(this.#informers.map(({ synced }) => synced))
    // What is possible changes for everybody: that is rare, and every AuthService is looked at.
    await this.#optionalChildren.start(() => {
      for (const { metadata } of this.authServices()) this.#look(metadata, 'soon')
    })
  }

  async stop(): Promise<void> {
    this.#edgeReports.stop()
    await Promise.all([this.#optionalChildren.stop(), ...this.#informers.map((informer) => informer.stop())])
  }

  get hasSynced(): boolean {
    return this.#informers.every((informer) => informer.hasSynced)
  }

  /** Why the caches can no longer be trusted; undefined while they can. */
  silence(): string | undefined {
    const silent = [...this.#informers, ...this.#optionalChildren.informers].find(
      (informer) => informer.silentSeconds() > informer.longestSilenceSeconds,
    )
    return silent && `a watch has heard nothing for ${Math.round(silent.silentSeconds())} s`
  }

  availabilities(): Availabilities {
    return this.#optionalChildren.availabilities()
  }

  cachedIngressClasses(): readonly IngressClass[] {
    return this.#optionalChildren.ingressClasses()
  }

  authServices(): AuthService[] {
    return this.#authServices.flatMap((informer) => informer.list())
  }

  cachedAuthService(key: AuthServiceKey): AuthService | undefined {
    return firstOf(this.#authServices, (informer) => informer.get(keyOf({ metadata: key })))
  }

  cachedChildren({ metadata }: AuthService): readonly Manifest[] {
    return this.#index.of(metadata.uid)
  }

  cachedPods({ metadata }: AuthService): readonly LabelledPod[] {
    return cached(this.#pods, this.#podIndex.keysOf(metadata))
  }

  cachedEndpointSlices({ metadata }: AuthService): readonly EndpointSlice[] {
    return cached(this.#endpointSlices, this.#sliceIndex.keysOf(metadata))
  }

  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined> {
    return this.#get<SecretManifest>(secrets, namespace, name)
  }

  edgeRefusal(owner: AuthService, content: string, pods: readonly EdgePod[]): string | undefined {
    return this.#edgeReports.refusalOf(keyOf(owner), content, pods)
  }

  async volumeClaimExists(namespace: string, name: string): Promise<boolean> {
    return (await this.#get(volumeClaims, namespace, name)) !== undefined
  }

  readFromPod(url: string): Promise<string | undefined> {
    return readText(url, podAnswerMilliseconds)
  }

  async askPrometheus(namespace: string, query: string): Promise<PrometheusAnswer> {
    const { prometheusUrl } = this.#options
    if (prometheusUrl === undefined) return { failure: 'the operator has no PROMETHEUS_URL' }
    const page = await readPage(queryUrl(prometheusUrl, namespace, query), prometheusAnswerMilliseconds)
    return 'failure' in page ? page : readAnswer(page.body)
  }

  read(object: Manifest): Promise<LiveManifest | undefined> {
    return this.#get<LiveManifest>(resourceOf(object), object.metadata.namespace, object.metadata.name)
  }

  async apply(manifest: Manifest): Promise<void> {
    await this.#options.client.applyUnseen(resourceOf(manifest), manifest)
  }

  applyNew(manifest: Manifest): Promise<boolean> {
    return this.#options.client.applyNew(resourceOf(manifest), manifest)
  }

  async patchLists(object: Manifest, patch: object): Promise<void> {
    await this.#options.client.strategicMergePatch(resourceOf(object), object.metadata, patch)
  }

  async remove(object: Manifest): Promise<void> {
    await this.#options.client.delete(resourceOf(object), object.metadata)
  }

  async scale({ namespace, name }: { namespace: string; name: string }, replicas: number): Promise<void> {
    await this.#options.client.scale(deployments, namespace, name, replicas)
  }

  async writeStatus({ metadata }: AuthService, status: AuthServiceStatus): Promise<void> {
    const { namespace, name } = metadata
    const object = { apiVersion, kind, metadata: { namespace, name }, status }
    const written = await this.#applyStatus(object)
    for (const informer of this.#authServices) informer.learn(written)
  }

  async #applyStatus(object: KubernetesObject & { status: AuthServiceStatus }): Promise<AuthService> {
    try {
      return await this.#options.client.apply<AuthService>(authServices, object, 'status')
    } catch (error) {
      if (!isFieldUnknown(error)) throw error
      // Applying refuses a field that the CustomResourceDefinition does not know; a merge patch drops it.
      this.#options.log.warn({ err: error }, 'the CustomResourceDefinition is older than the operator: apply crds/')
      const { namespace = '', name } = object.metadata
      const target = { namespace, name, subresource: 'status' }
      return this.#options.client.mergePatch<AuthService>(authServices, target, { status: object.status })
    }
  }

  announce(about: AuthService, { type, reason, message }: Announcement): void {
    this.#options.log.info({ reason, type }, message)
    this.#options.recorder.record({ regarding: about, type, reason, action: 'Reconcile', note: message })
  }

  /** Those that run from the start to the end. */
  get #informers(): Informer<KubernetesObject>[] {
    // What all informers have in common does not depend on the kind of object that they hold.
    return [
      ...this.#authServices,
      ...this.#pods,
      ...this.#endpointSlices,
      ...this.#children,
    ] as unknown as Informer<KubernetesObject>[]
  }

  /** One informer for the whole cluster, or one for each namespace. */
  #inform<T extends KubernetesObject>(
    resource: Resource,
    {
      store,
      ...selection
    }: {
      labelSelector?: string
      transform: (object: T) => T
      keep?: (object: T) => T
      /** Makes one for each informer. */
      store?: () => ObjectStore<T>
    },
  ): Informer<T>[] {
    const { client, log, namespaces, watchSeconds, onHandlerError, onList } = this.#options
    const scopes =
      namespaces.length === 0 || !resource.namespaced ? [{}] : namespaces.map((namespace) => ({ namespace }))
    return scopes.map(
      (scope) =>
        new Informer<T>({
          client,
          resource,
          log,
          ...scope,
          ...selection,
          ...(store !== undefined && { store: store() }),
          ...(watchSeconds !== undefined && { watchSeconds }),
          onHandlerError: () => onHandlerError?.(resource.kind),
          onList: () => onList?.(resource.kind),
        }),
    )
  }

  async #get<T>(resource: Resource, namespace: string | undefined, name: string): Promise<T | undefined> {
    try {
      return await this.#options.client.get<T>(resource, namespace, name)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}

/** The AuthService that controls a child. */
function ownerOf(child: Manifest): AuthServiceKey | undefined {
  const owner = controllerOf(child)
  const { namespace } = child.metadata
  return owner?.kind === kind && namespace !== undefined ? { namespace, name: owner.name } : undefined
}

/** What server-side apply answers where the schema lacks a field. */
function isFieldUnknown(error: unknown): boolean {
  return error instanceof KubeError && error.message.includes('field not declared in schema')
}

/** A status that we wrote ourselves is no reason to look again. */
function isOnlyStatus(before: AuthService, after: AuthService): boolean {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
  return (
    before.metadata.generation === after.metadata.generation &&
    before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
    same(before.metadata.annotations, after.metadata.annotations) &&
    !same(before.status, after.status)
  )
}

function cached<T extends KubernetesObject>(informers: readonly Informer<T>[], keys: readonly ObjectKey[]): T[] {
  return keys.flatMap((key) => firstOf(informers, (informer) => informer.get(key)) ?? [])
}

function firstOf<T, Result>(items: readonly T[], find: (item: T) => Result | undefined): Result | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
