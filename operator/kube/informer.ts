import type { KubeClient, ListOptions, Representation } from './client.ts'
import { isExpired, KubeError } from './errors.ts'
import type { Log } from './log.ts'
import { type Change, ObjectCache, type ObjectCacheOptions } from './object-cache.ts'
import { type KubernetesObject, keyOf, type ObjectKey, type Resource } from './objects.ts'
import { wait } from './wait.ts'

/** The objects that an informer lists and watches. */
type Selection = Representation & Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>

export interface InformerOptions<T> extends Selection, Omit<ObjectCacheOptions<T>, 'kind'> {
  client: KubeClient
  resource: Resource
  log: Log
  onList?: () => void
  /** Number of objects in one page of a list. */
  pageSize?: number
  /** Duration of a watch, chosen at random between the two, after which the next one follows. */
  watchSeconds?: { least: number; most: number }
  backoff?: { baseMilliseconds: number; mostMilliseconds: number }
}

const defaults = {
  // The API server holds a whole page in memory, and all kinds are listed at the same time: larger pages save no time.
  pageSize: 50,
  watchSeconds: { least: 300, most: 600 },
  backoff: { baseMilliseconds: 200, mostMilliseconds: 30_000 },
}

/** A watch without events that ends sooner counts as a failure. */
const shortestWatchMilliseconds = 500

/**
 * A local copy of all matching objects of a kind, kept up to date by list and watch.
 *
 * A watch that ends continues at its last resource version; one whose resource version has expired is followed by a
 * list. No change during a gap is lost: at the latest, the next list contains it.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class Informer<T extends KubernetesObject> {
  readonly #options: Required<Pick<InformerOptions<T>, keyof typeof defaults>> & InformerOptions<T>
  readonly #cache: ObjectCache<T>
  readonly #stop = new AbortController()
  readonly #synced = Promise.withResolvers<void>()
  #hasSynced = false
  #failures = 0
  #lastContact = performance.now()
  #running: Promise<void> | undefined
  /** Number of complete lists that have begun. */
  #lists = 0
  #isListing = false
  /** For each running read of one namespace, the objects that the watch has delivered since it began. */
  readonly #deliveredMeanwhile = new Set<Set<ObjectKey>>()

  constructor(options: InformerOptions<T>) {
    this.#options = { ...defaults, ...options }
    this.#cache = new ObjectCache({ ...options, kind: options.resource.kind })
  }

  /** Called for each change from now on, not for objects that are already cached. Errors are logged and counted. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#cache.onChange(handler)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Resolves when the first list is in the cache. Does not resolve while the API server is unavailable. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** Time since the API server last sent something. A watch can be silent for as long as it runs. */
  silentSeconds(): number {
    return (performance.now() - this.#lastContact) / 1000
  }

  /** A longer silence means that the watch is broken. */
  get longestSilenceSeconds(): number {
    return this.#options.watchSeconds.most + 120
  }

  get(key: ObjectKey): T | undefined {
    return this.#cache.get(key)
  }

  list(): T[] {
    return this.#cache.list()
  }

  /** The watched kind, and how many of its objects are in the cache. */
  get contents(): { kind: string; objects: number } {
    return { kind: this.#options.resource.kind, objects: this.#cache.size }
  }

  /**
   * Stores an object that the API server returned for a write, before the watch delivers it: otherwise a decision on the
   * older state could be made twice. Does nothing if the object is not cached, or if the cached one is newer.
   */
  observeWrite(written: T): void {
    this.#cache.putNewer(written)
  }

  /** Drops an object that is no longer admitted. */
  drop(key: ObjectKey): void {
    this.#cache.delete(key)
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /**
   * Lists the selected objects of one namespace, and caches those that are admitted now and were not before. Objects
   * that the watch delivers meanwhile are newer and stay; a complete list that begins meanwhile contains all of them.
   * @throws KubeError when the API server refuses; Error while everything is listed
   */
  async readAgain(namespace: string): Promise<void> {
    const { client, resource, pageSize } = this.#options
    // The complete list does not return to pages that it has read, and deletes what it has not found.
    if (this.#isListing) throw new Error(`listing all ${resource.plural}`)
    const lists = this.#lists
    const delivered = new Set<ObjectKey>()
    this.#deliveredMeanwhile.add(delivered)
    let next: string | undefined
    try {
      do {
        const options = { ...this.#selection, namespace, limit: pageSize, ...continueAt(next) }
        const page = await client.listEach<T>(resource, options, (object) => {
          const key = keyOf(object)
          const isNew = !delivered.has(key) && this.#cache.get(key) === undefined
          if (isNew && this.#lists === lists && !this.isStopped) this.#cache.put(object)
        })
        next = page.continue === '' ? undefined : page.continue
      } while (next !== undefined && this.#lists === lists)
    } finally {
      this.#deliveredMeanwhile.delete(delivered)
    }
  }

  async #run(): Promise<void> {
    let version: string | undefined
    while (!this.#stop.signal.aborted) {
      try {
        version ??= await this.#listAll()
        version = await this.#watchFrom(version)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        // Only a list contains what followed an expired version. After any other error, the watch continues.
        if (isExpired(error)) version = undefined
        await this.#pause(error)
      }
    }
  }

  async #listAll(): Promise<string> {
    this.#lists++
    this.#isListing = true
    try {
      const version = await this.#listPages()
      this.#hasSynced = true
      return version
    } finally {
      this.#isListing = false
      if (this.#hasSynced) this.#synced.resolve()
    }
  }

  async #listPages(): Promise<string> {
    const { client, resource, pageSize, onList } = this.#options
    onList?.()
    const found = new Set<ObjectKey>()
    let next: string | undefined
    let version: string
    do {
      const options = { ...this.#selection, limit: pageSize, ...continueAt(next) }
      const page = await client.listEach<T>(resource, options, (object) => {
        this.#lastContact = performance.now()
        if (this.#cache.put(object)) found.add(keyOf(object))
      })
      this.#lastContact = performance.now()
      version = page.resourceVersion
      next = page.continue === '' ? undefined : page.continue
    } while (next !== undefined)
    for (const key of this.#cache.keys()) if (!found.has(key)) this.#cache.delete(key)
    return version
  }

  get #selection(): Selection {
    const { namespace, labelSelector, fieldSelector, isMetadataOnly } = this.#options
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(isMetadataOnly !== undefined && { isMetadataOnly }),
    }
  }

  /** @returns the version to continue from when the server ends the watch */
  async #watchFrom(start: string): Promise<string> {
    const { client, resource, watchSeconds } = this.#options
    const { least, most } = watchSeconds
    let version = start
    const started = performance.now()
    const events = client.watch<T>(resource, {
      ...this.#selection,
      resourceVersion: version,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
      signal: this.#stop.signal,
    })
    try {
      for await (const event of events) {
        this.#lastContact = performance.now()
        this.#failures = 0
        if (event.type !== 'BOOKMARK') for (const keys of this.#deliveredMeanwhile) keys.add(keyOf(event.object))
        if (event.type === 'DELETED') this.#cache.remove(event.object)
        else if (event.type !== 'BOOKMARK') this.#cache.put(event.object)
        version = event.object.metadata.resourceVersion ?? version
      }
    } catch (error) {
      if (isExpired(error) || this.#stop.signal.aborted) throw error
      // The connection broke: received events are kept, and the next watch continues there.
      await this.#pause(error)
      return version
    }
    this.#lastContact = performance.now()
    // A watch that ends as soon as it begins would begin again and again.
    if (version === start && performance.now() - started < shortestWatchMilliseconds) {
      await this.#pause(new Error('the API server ended the watch immediately'))
    } else this.#failures = 0
    return version
  }

  async #pause(error: unknown): Promise<void> {
    const { backoff, log, resource } = this.#options
    const backoffDelay = Math.min(backoff.baseMilliseconds * 2 ** this.#failures, backoff.mostMilliseconds)
    const requested = error instanceof KubeError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0
    this.#failures++
    const level = this.#failures > 3 ? 'warn' : 'debug'
    log[level]({ err: error, kind: resource.kind, failures: this.#failures }, 'the watch ended')
    await wait(Math.max(backoffDelay * (0.5 + Math.random() / 2), requested), this.#stop.signal)
  }
}

/** The query parameter of the next page of a list. */
function continueAt(token: string | undefined): { continue?: string } {
  return token === undefined ? {} : { continue: token }
}
