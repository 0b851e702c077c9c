import type { Log } from './log.ts'
import { isLater, type KubernetesObject, keyOf, type ObjectKey } from './objects.ts'

/** A change of the cache, reported after the cache has it. `before` is what the cache held. */
export type Change<T> =
  | { type: 'added'; object: T }
  | { type: 'updated'; object: T; before: T }
  | { type: 'deleted'; object: T }

/** Decides which of the objects that match a selector are cached: anybody can put a label on an object. */
export interface Admission<T> {
  /** @returns whether the cache takes the object. A cached object that is no longer admitted is dropped. */
  admits(object: T): boolean
  /** Called when an object that was not admitted is deleted. */
  isGone(object: T): void
}

export interface ObjectCacheOptions<T> {
  /** Kind of the objects, for log lines. */
  kind: string
  log: Log
  /** By default, every object is admitted. */
  admission?: Admission<T>
  /** Removes fields that nothing reads, before handlers see the object. This saves most of the memory. */
  transform?: (object: T) => T
  /**
   * Reduces an object further after the handlers have seen it, for handlers that keep what they need themselves. It must
   * keep the metadata. `before`, and the object of a deletion, are what it returned.
   */
  keep?: (object: T) => T
  onHandlerError?: () => void
}

/** The objects of one kind that an informer has received, and the handlers of their changes. */
export class ObjectCache<T extends KubernetesObject> {
  readonly #options: ObjectCacheOptions<T>
  readonly #objects = new Map<ObjectKey, T>()
  readonly #handlers: ((change: Change<T>) => void)[] = []

  constructor(options: ObjectCacheOptions<T>) {
    this.#options = options
  }

  /** Called for each change from now on, not for objects that are already cached. Errors are logged and counted. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler)
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key)
  }

  get size(): number {
    return this.#objects.size
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  keys(): ObjectKey[] {
    return [...this.#objects.keys()]
  }

  /**
   * Stores an object that the API server returned for a write, before the watch delivers it: otherwise a decision on the
   * older state could be made twice. Does nothing if the object is not cached, or if the cached one is newer.
   */
  putNewer(written: T): void {
    const cached = this.#objects.get(keyOf(written))
    if (cached !== undefined && isLater(written, cached)) this.put(written)
  }

  /** @returns whether the object was admitted */
  put(received: T): boolean {
    const { transform, admission, keep } = this.#options
    if (admission?.admits(received) === false) {
      this.delete(keyOf(received))
      return false
    }
    const object = transform === undefined ? received : transform(received)
    const key = keyOf(object)
    const before = this.#objects.get(key)
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return true
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) {
      // It was deleted and created again between two events: that is two changes.
      this.delete(key)
      return this.put(received)
    }
    this.#objects.set(key, keep === undefined ? object : keep(object))
    this.#notify(before === undefined ? { type: 'added', object } : { type: 'updated', object, before })
    return true
  }

  /** Removes an object that the API server has deleted. */
  remove(object: T): void {
    if (!this.delete(keyOf(object))) this.#options.admission?.isGone(object)
  }

  /** @returns whether the object was cached */
  delete(key: ObjectKey): boolean {
    const known = this.#objects.get(key)
    if (known === undefined) return false
    this.#objects.delete(key)
    this.#notify({ type: 'deleted', object: known })
    return true
  }

  #notify(change: Change<T>): void {
    const { log, kind, onHandlerError } = this.#options
    for (const handler of this.#handlers) {
      try {
        handler(change)
      } catch (error) {
        onHandlerError?.()
        log.error({ err: error, kind, key: keyOf(change.object) }, 'an event handler failed')
      }
    }
  }
}
