import type { Discovery } from '../../kube/discovery.ts'
import { type KubernetesObject, keyOf, type ObjectKey, splitKey } from '../../kube/objects.ts'
import type { AuthService } from '../api/schema.ts'
import { endpointSlices, pods } from '../model/kinds.ts'
import type { EndpointSlice, LabelledPod, ServerReport } from '../model/observed-objects.ts'
import { edgeLayout } from '../resources/edge/edge-layout.ts'
import { AuthServiceCache } from './cache/auth-service-cache.ts'
import { withReasonsOnly, withTargetsOnly } from './cache/cache-transforms.ts'
import { ChildCache, claimOfOwner } from './cache/child-cache.ts'
import { Claims } from './cache/claims.ts'
import type { InformerSettings, WatchedInformer } from './cache/informers.ts'
import { LateReads } from './cache/late-reads.ts'
import { MemberCache } from './cache/member-cache.ts'
import type { Notify, OwnedCache } from './cache/owned-cache.ts'
import { SecretWatch } from './cache/secret-watch.ts'
import { createEdgePoller, type EdgeReport } from './edge-reports.ts'
import { readPodPage } from './pod-pages.ts'
import type { PodPoller } from './pod-poller.ts'
import { createServerPoller } from './server-reports.ts'

/** More than an AuthService has: it has at most 1,000 pods of each colour. */
const most = { pods: 3_000, endpointSlices: 300 } as const

export interface WatchesOptions extends InformerSettings {
  discovery: Discovery
  /** Interval at which the operator queries the kinds of the cluster. */
  intervalMilliseconds?: number
}

/**
 * Everything that the operator watches: the AuthServices, the objects that belong to them, and the reports of their
 * pods. Each change names the AuthService to reconcile.
 */
export class Watches {
  readonly authServices: AuthServiceCache
  readonly children: ChildCache
  readonly pods: MemberCache<LabelledPod & KubernetesObject>
  readonly endpointSlices: MemberCache<EndpointSlice & KubernetesObject>
  readonly referencedSecrets: SecretWatch
  readonly edgeReports: PodPoller<EdgeReport>
  readonly serverReports: PodPoller<ServerReport>
  readonly #claims: Claims
  readonly #lateReads: LateReads
  #notify: Notify = () => {}

  constructor({ discovery, intervalMilliseconds, ...settings }: WatchesOptions) {
    const claims = new Claims(() =>
      settings.log.warn(
        {},
        'objects name too many AuthServices that do not exist: the operator lists the namespace of each new AuthService',
      ),
    )
    const notify: Notify = (key, when) => this.#notify(key, when)
    this.#claims = claims
    this.#lateReads = new LateReads(settings.log, (claim) => claims.isKnown(claim))
    this.authServices = new AuthServiceCache(settings, notify)
    this.children = new ChildCache(settings, {
      discovery,
      claims,
      notify,
      ...(intervalMilliseconds !== undefined && { intervalMilliseconds }),
    })
    this.pods = new MemberCache(settings, {
      resource: pods,
      most: most.pods,
      transform: withReasonsOnly,
      claims,
      notify,
    })
    this.endpointSlices = new MemberCache(settings, {
      resource: endpointSlices,
      most: most.endpointSlices,
      transform: withTargetsOnly,
      claims,
      notify,
    })
    this.referencedSecrets = new SecretWatch(settings, notify)
    const onNews = (key: ObjectKey) => {
      const { namespace = '', name } = splitKey(key)
      this.#notify({ namespace, name }, 'soon')
    }
    const read = (url: string) => readPodPage(url)
    this.edgeReports = createEdgePoller({ read, onNews, port: edgeLayout.ports.health })
    this.serverReports = createServerPoller({ read, onNews })
    this.authServices.onChange(({ type, object }) => {
      if (type === 'added') this.#admit(object)
      if (type === 'deleted') this.#forget(object)
    })
  }

  /**
   * Calls back with the AuthService to reconcile, for each change of it or of an object that belongs to it. Such
   * objects change in bursts, including the operator's own writes: `soon` lets one reconcile handle a whole burst.
   */
  onChange(notify: Notify): void {
    this.#notify = notify
  }

  /** Starts the watches. @returns when every cache has its first list */
  async start(): Promise<void> {
    // The other caches keep only objects that belong to AuthServices, so the AuthServices must be known first.
    await startAll(this.authServices.informers)
    await startAll(this.#otherInformers)
    // A kind that appears or disappears affects every AuthService. That is rare.
    await this.children.optional.start(() => {
      for (const { metadata } of this.authServices.list()) this.#notify(metadata, 'soon')
    })
  }

  async stop(): Promise<void> {
    this.edgeReports.stop()
    this.serverReports.stop()
    await Promise.all([
      this.#lateReads.stop(),
      this.children.optional.stop(),
      ...this.#informers.map((informer) => informer.stop()),
    ])
  }

  get hasSynced(): boolean {
    return this.#informers.every(({ hasSynced }) => hasSynced)
  }

  /** Objects in the caches by kind, summed over namespaces. */
  cachedObjects(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>()
    for (const { contents } of [...this.#informers, ...this.children.optional.informers]) {
      sums.set(contents.kind, (sums.get(contents.kind) ?? 0) + contents.objects)
    }
    return sums
  }

  /** Why the caches are no longer reliable; undefined while they are. */
  staleWatch(): string | undefined {
    const stale = [...this.#informers, ...this.children.optional.informers].find(
      (informer) => informer.silentSeconds() > informer.longestSilenceSeconds,
    )
    return stale && `a watch has received nothing for ${Math.round(stale.silentSeconds())} s`
  }

  /** Objects may arrive before the AuthService that they belong to: they are listed again. */
  #admit({ metadata }: AuthService): void {
    const claims = [claimOfOwner(metadata.namespace, metadata.uid), keyOf({ metadata })]
    for (const claim of claims) this.#lateReads.add(claim, this.#claims.add(claim))
  }

  /** Nothing is kept of an AuthService that is gone, although its objects may still exist. */
  #forget(authService: AuthService): void {
    const { metadata } = authService
    const key = keyOf({ metadata })
    this.#claims.remove(claimOfOwner(metadata.namespace, metadata.uid), false)
    this.#claims.remove(key, true)
    for (const cache of this.#owned) cache.forget(authService)
    this.referencedSecrets.expect(metadata, [])
    this.edgeReports.forget(key)
    this.serverReports.forget(key)
  }

  get #owned(): readonly OwnedCache<unknown>[] {
    return [this.pods, this.endpointSlices, this.children]
  }

  get #otherInformers(): readonly WatchedInformer[] {
    return [...this.referencedSecrets.informers, ...this.#owned.flatMap(({ informers }) => informers)]
  }

  /** Informers that run from startup to shutdown. */
  get #informers(): readonly WatchedInformer[] {
    return [...this.authServices.informers, ...this.#otherInformers]
  }
}

async function startAll(informers: readonly WatchedInformer[]): Promise<void> {
  for (const informer of informers) informer.start()
  await Promise.all(informers.map(({ synced }) => synced))
}
