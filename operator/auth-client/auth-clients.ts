import { resolveSpec } from '../authservice/api/defaults.ts'
import type { AuthService } from '../authservice/api/schema.ts'
import { createInformers, type InformerSettings } from '../authservice/gather/cache/informers.ts'
import { ReferenceIndex } from '../authservice/gather/cache/reference-index.ts'
import type { ClientSource, ObservedClients, WantedClients } from '../authservice/gather/cluster-reader.ts'
import type { Discovery } from '../kube/discovery.ts'
import type { Change } from '../kube/object-cache.ts'
import { keyOf, type ObjectKey } from '../kube/objects.ts'
import { OptionalInformer } from '../kube/optional-informer.ts'
import { OptionalKinds } from '../kube/optional-kinds.ts'
import type { ServiceAccountIssuerReader } from '../kube/service-account-issuer.ts'
import { authServiceOf } from './admission.ts'
import { authClients, kind } from './api/group.ts'
import type { AuthClient } from './api/schema.ts'
import { type CachedClient, withNeededOnly } from './cached-client.ts'
import { methodOf } from './client-entry.ts'
import { ClientRoom } from './client-room.ts'
import { receiversOf } from './logout-receiver.ts'
import { type Publication, Publications } from './publications.ts'
import { type ClientChange, clientKeyOf, issuersIn, namespaceOf, publishedClients } from './published-clients.ts'

/** Interval at which the operator looks whether there is room for AuthClients that it has ignored. */
const roomMilliseconds = 60_000

export interface AuthClientsOptions extends InformerSettings {
  discovery: Discovery
  issuer: ServiceAccountIssuerReader
  /** Interval at which the operator looks for the kind. */
  intervalMilliseconds?: number
}

/** Notified of AuthClients to reconcile, and of AuthServices whose clients have changed. */
export interface ClientListener {
  clientChanged(key: ObjectKey): void
  /** @param change of an AuthClient that names the AuthService, or named it; undefined: unknown ones have changed */
  clientsOfChanged(authService: ObjectKey, change?: ClientChange): void
}

/**
 * The AuthClients, by the AuthService that they name. A cluster with an earlier CustomResourceDefinition, or an account
 * without the permission, has none.
 */
export class AuthClients implements ClientSource {
  readonly #kinds: OptionalKinds
  readonly #informer: OptionalInformer<CachedClient>
  readonly #room: ClientRoom
  readonly #issuer: ServiceAccountIssuerReader
  readonly #byAuthService = new ReferenceIndex()
  readonly #publications = new Publications()
  #roomTimer: NodeJS.Timeout | undefined
  #listener: ClientListener = { clientChanged: () => {}, clientsOfChanged: () => {} }

  constructor({ discovery, issuer, intervalMilliseconds, ...settings }: AuthClientsOptions) {
    this.#issuer = issuer
    issuer.onChange(() => this.#issuerChanged())
    this.#kinds = new OptionalKinds({
      ...settings,
      discovery,
      resources: [authClients],
      ...(intervalMilliseconds !== undefined && { intervalMilliseconds }),
    })
    const onList = (listed: string) => {
      this.#room.listed()
      settings.onList?.(listed)
    }
    this.#room = new ClientRoom(settings.log)
    this.#informer = new OptionalInformer(() =>
      createInformers<CachedClient>({ ...settings, onList }, authClients, {
        transform: withNeededOnly,
        admission: (reader) => this.#room.admissionOf(reader, (key) => this.get(key) !== undefined),
      }),
    )
    this.#informer.onChange((change) => this.#take(change))
  }

  listen(listener: ClientListener): void {
    this.#listener = listener
  }

  /** @returns when the AuthClients of the cluster are cached */
  async start(): Promise<void> {
    let opened = Promise.resolve()
    this.#kinds.onChange((_, availability) => {
      if (availability !== 'available') this.#room.clear()
      opened = availability === 'available' ? this.#informer.open() : this.#informer.close()
    })
    this.#roomTimer = setInterval(() => void this.#lookForRoom(), roomMilliseconds)
    await this.#kinds.start()
    await opened
  }

  async stop(): Promise<void> {
    clearInterval(this.#roomTimer)
    await this.#kinds.stop()
    await this.#informer.close()
  }

  /** Number of cached AuthClients, by kind. */
  cachedObjects(): ReadonlyMap<string, number> {
    return new Map([[kind, this.#count]])
  }

  get #count(): number {
    return this.#informer.informers.reduce((sum, { contents }) => sum + contents.objects, 0)
  }

  /** Why the cache is no longer reliable; undefined while it is. */
  staleWatch(): string | undefined {
    const stale = this.#informer.informers.find((one) => one.silentSeconds() > one.longestSilenceSeconds)
    return stale && `a watch of AuthClients has received nothing for ${Math.round(stale.silentSeconds())} s`
  }

  get(key: ObjectKey): CachedClient | undefined {
    for (const informer of this.#informer.informers) {
      const client = informer.get(key)
      if (client !== undefined) return client
    }
    return undefined
  }

  /** The clients that name an AuthService. */
  of(authService: ObjectKey): CachedClient[] {
    return this.#byAuthService.referrersOf(authService).flatMap((key) => this.get(key) ?? [])
  }

  publicationOf(authService: ObjectKey, clientId: string): Publication {
    return this.#publications.of(authService, clientId)
  }

  /** Stores what the API server returned for a write, before the watch delivers it. */
  observeWrite(written: AuthClient): void {
    for (const informer of this.#informer.informers) informer.observeWrite(written)
  }

  oidcClients(owner: AuthService, file: string | undefined): WantedClients | undefined {
    if (!this.#isKnown) return undefined
    // After a restart, servers keep the keys that they have until the API server answers.
    const issuers = this.#issuer.current === undefined ? issuersIn(file) : [this.#issuer.current]
    const { entries, kept } = publishedClients(owner, {
      clients: this.of(keyOf(owner)),
      issuer: issuers[0]?.issuer,
      isMissing: (id) => this.#room.isFull(namespaceOf(id)) && this.get(clientKeyOf(id)) === undefined,
      file: this.#room.isComplete ? undefined : file,
    })
    for (const { id } of kept) this.#room.keep(namespaceOf(id), keyOf(owner))
    const usesIssuer = entries.some(({ authentication }) => authentication.method === 'serviceAccount')
    return {
      clients: entries,
      ...(usesIssuer && { serviceAccountIssuers: issuers }),
      ...(entries.some(({ backchannelLogoutUri }) => backchannelLogoutUri !== undefined) && {
        logoutReceivers: [...receiversOf(resolveSpec(owner))],
      }),
    }
  }

  observeClients(owner: AuthService, observed: ObservedClients, now: Date): void {
    const { published, loaded } = this.#publications.observe(keyOf(owner), observed, now)
    const clientOf = (id: string) => this.get(clientKeyOf(id)) ?? []
    // Each server that starts or stops changes this for all clients, and only those that wait for servers need to know.
    const waiting = loaded.flatMap(clientOf).filter((client) => !isSettled(client))
    for (const client of [...published.flatMap(clientOf), ...waiting]) this.#listener.clientChanged(keyOf(client))
  }

  /**
   * Whether the cache has all AuthClients. Otherwise, files stay as they are: an API server that forgets the kind for a
   * moment must not take the clients from all servers.
   */
  get #isKnown(): boolean {
    const { informers } = this.#informer
    return informers.length > 0 && informers.every(({ hasSynced }) => hasSynced)
  }

  /** The AuthService has changed, appeared or gone: its clients depend on that. */
  authServiceChanged(authService: ObjectKey, isGone: boolean): void {
    if (isGone) this.#publications.forget(authService)
    for (const client of this.of(authService)) this.#listener.clientChanged(keyOf(client))
  }

  #issuerChanged(): void {
    for (const client of this.#informer.list()) {
      if (methodOf(client) !== 'ServiceAccount') continue
      this.#listener.clientChanged(keyOf(client))
      this.#listener.clientsOfChanged(keyOf({ metadata: authServiceOf(client) }))
    }
  }

  async #lookForRoom(): Promise<void> {
    for (const authService of await this.#room.readAgain()) this.#listener.clientsOfChanged(authService)
  }

  #take(change: Change<CachedClient>): void {
    const key = keyOf(change.object)
    if (change.type === 'added') this.#room.added(change.object.metadata.namespace)
    if (change.type === 'deleted') this.#room.removed(change.object.metadata.namespace)
    const before = change.type === 'updated' ? change.before : change.type === 'deleted' ? change.object : undefined
    const after = change.type === 'deleted' ? undefined : change.object
    const named = (client: CachedClient | undefined) => (client ? [keyOf({ metadata: authServiceOf(client) })] : [])
    this.#byAuthService.set(key, named(after))
    this.#listener.clientChanged(key)
    for (const authService of new Set([...named(before), ...named(after)])) {
      this.#listener.clientsOfChanged(authService, { before, after })
    }
  }
}

/** Whether nothing is left to do for the client as it was last reconciled. */
function isSettled({ status }: CachedClient): boolean {
  return status?.conditions?.find(({ type }) => type === 'Reconciling')?.status === 'False'
}
