import type { KubeClient, ListOptions } from './client.ts'
import { isExpired, KubeError } from './errors.ts'
import { isLater, type KubernetesObject, keyOf, type ObjectKey, type Resource } from './objects.ts'

/** What changed, after the cache has it. `before` is what the cache held. */
export type Change<T> =
  | { type: 'added'; object: T }
  | { type: 'updated'; object: T; before: T }
  | { type: 'deleted'; object: T }

/** The little of a log that the runtime writes. pino's fits. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Where a cache keeps its objects: a `Map`, or something smaller. */
export interface ObjectStore<T> {
  get(key: ObjectKey): T | undefined
  set(key: ObjectKey, object: T): unknown
  delete(key: ObjectKey): boolean
  keys(): Iterable<ObjectKey>
  values(): Iterable<T>
}

export interface InformerOptions<T> extends Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'> {
  client: KubeClient
  resource: Resource
  log: Log
  /** What the cache keeps of an object: dropping what nobody reads saves most of the memory. */
  transform?: (object: T) => T
  /**
   * What stays in this cache once the handlers have seen an object, where they keep the rest themselves. Has to keep the
   * metadata; `before`, and the object of a deletion, are what was kept.
   */
  keep?: (object: T) => T
  /** A `Map` unless something else is given. */
  store?: ObjectStore<T>
  onList?: () => void
  onHandlerError?: () => void
  /** Objects in one page of a list. */
  pageSize?: number
  /** How long a watch runs before the next one takes over. */
  watchSeconds?: { least: number; most: number }
  backoff?: { baseMilliseconds: number; mostMilliseconds: number }
}

const defaults = {
  // At the start all kinds are listed at once, and a page is in memory as a whole: larger ones save no time.
  pageSize: 50,
  watchSeconds: { least: 300, most: 600 },
  backoff: { baseMilliseconds: 200, mostMilliseconds: 30_000 },
}

/** A watch without events that was shorter counts as a failure. */
const shortestWatchMilliseconds = 500

/**
 * A local copy of all objects of a kind that match, kept up to date by list and watch.
 *
 * A watch that ends is taken up where it ended; one whose resource version has expired leads to a list. Nothing that
 * happens in a gap is lost: at the latest the list shows it. Handlers may throw: that is logged and counted.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class Informer<T extends KubernetesObject> {
  readonly #options: Required<Pick<InformerOptions<T>, keyof typeof defaults>> & InformerOptions<T>
  readonly #objects: ObjectStore<T>
  readonly #handlers: ((change: Change<T>) => void)[] = []
  readonly #stop = new AbortController()
  readonly #synced = Promise.withResolvers<void>()
  #hasSynced = false
  #failures = 0
  #lastContact = performance.now()
  #running: Promise<void> | undefined

  constructor(options: InformerOptions<T>) {
    this.#options = { ...defaults, ...options }
    this.#objects = options.store ?? new Map<ObjectKey, T>()
  }

  /** Called for each change from now on; what is in the cache already is not repeated. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Resolves when the first list is in the cache; while the API server is away, that takes as long as it is. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** How long the API server has not been heard of. A watch is silent for at most as long as it runs. */
  silentSeconds(): number {
    return (performance.now() - this.#lastContact) / 1000
  }

  /** After so long without a word something is wrong with the watch. */
  get longestSilenceSeconds(): number {
    return this.#options.watchSeconds.most + 120
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  /**
   * Takes up what a write of ours returned, before the watch tells: a decision on the state before it would be made
   * twice. Of an object that is not cached here nothing is taken up; nor when the watch was faster than the answer and
   * has told of a later state, for it would not tell of that again.
   */
  learn(written: T): void {
    const cached = this.#objects.get(keyOf(written))
    if (cached !== undefined && isLater(written, cached)) this.#put(written)
  }

  async #run(): Promise<void> {
    let version: string | undefined
    while (!this.#stop.signal.aborted) {
      try {
        version ??= await this.#listAll()
        version = await this.#watchFrom(version)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        // Only a list brings back what an expired version has missed; after any other error the watch goes on.
        if (isExpired(error)) version = undefined
        await this.#pause(error)
      }
    }
  }

  async #listAll(): Promise<string> {
    const { client, resource, pageSize, onList, namespace, labelSelector, fieldSelector } = this.#options
    const selection = {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    }
    onList?.()
    const found = new Set<ObjectKey>()
    let next: string | undefined
    let version: string
    do {
      const page = await client.list<T>(resource, {
        ...selection,
        limit: pageSize,
        ...(next !== undefined && { continue: next }),
      })
      this.#lastContact = performance.now()
      for (const object of page.items) {
        found.add(keyOf(object))
        this.#put(object)
      }
      version = page.metadata.resourceVersion
      next = page.metadata.continue === '' ? undefined : page.metadata.continue
    } while (next !== undefined)
    for (const key of [...this.#objects.keys()]) if (!found.has(key)) this.#removeKey(key)
    this.#hasSynced = true
    this.#synced.resolve()
    return version
  }

  /** @returns the version to go on from when the server ends the watch */
  async #watchFrom(start: string): Promise<string> {
    const { client, resource, watchSeconds, namespace, labelSelector, fieldSelector } = this.#options
    const { least, most } = watchSeconds
    let version = start
    const started = performance.now()
    const events = client.watch<T>(resource, {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      resourceVersion: version,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
      signal: this.#stop.signal,
    })
    try {
      for await (const event of events) {
        this.#lastContact = performance.now()
        this.#failures = 0
        if (event.type === 'DELETED') this.#remove(event.object)
        else if (event.type !== 'BOOKMARK') this.#put(event.object)
        version = event.object.metadata.resourceVersion ?? version
      }
    } catch (error) {
      if (isExpired(error) || this.#stop.signal.aborted) throw error
      // Cut in the middle: what was seen is kept, and the watch is taken up from there.
      await this.#pause(error)
      return version
    }
    this.#lastContact = performance.now()
    // One that ends as soon as it begins would begin again and again.
    if (version === start && performance.now() - started < shortestWatchMilliseconds) {
      await this.#pause(new Error('the API server ended the watch at once'))
    } else this.#failures = 0
    return version
  }

  #put(received: T): void {
    const { transform } = this.#options
    const object = transform === undefined ? received : transform(received)
    const key = keyOf(object)
    const before = this.#objects.get(key)
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) {
      // Deleted and made again while nobody looked: that is two changes, not one.
      this.#remove(before)
      this.#put(received)
      return
    }
    const { keep } = this.#options
    this.#objects.set(key, keep === undefined ? object : keep(object))
    this.#tell(before === undefined ? { type: 'added', object } : { type: 'updated', object, before })
  }

  #remove(object: T): void {
    this.#removeKey(keyOf(object))
  }

  #removeKey(key: ObjectKey): void {
    const known = this.#objects.get(key)
    if (known === undefined) return
    this.#objects.delete(key)
    this.#tell({ type: 'deleted', object: known })
  }

  #tell(change: Change<T>): void {
    const { log, resource, onHandlerError } = this.#options
    for (const handler of this.#handlers) {
      try {
        handler(change)
      } catch (error) {
        onHandlerError?.()
        log.error({ err: error, kind: resource.kind, key: keyOf(change.object) }, 'a handler of a change failed')
      }
    }
  }

  async #pause(error: unknown): Promise<void> {
    const { backoff, log, resource } = this.#options
    const backoffDelay = Math.min(backoff.baseMilliseconds * 2 ** this.#failures, backoff.mostMilliseconds)
    const asked = error instanceof KubeError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0
    this.#failures++
    const level = this.#failures > 3 ? 'warn' : 'debug'
    log[level]({ err: error, kind: resource.kind, failures: this.#failures }, 'the watch ended')
    await wait(Math.max(backoffDelay * (0.5 + Math.random() / 2), asked), this.#stop.signal)
  }
}

/** Resolves after the time, or when the signal comes. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
