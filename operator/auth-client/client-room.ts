import type { Reader } from '../authservice/gather/cache/claims.ts'
import type { Log } from '../kube/log.ts'
import type { Admission } from '../kube/object-cache.ts'
import { keyOf, type ObjectKey } from '../kube/objects.ts'
import type { AuthClient } from './api/schema.ts'

/**
 * Maximum number of cached AuthClients, in total and of one namespace. Each has at most about 25 KB: a spec of 8 KiB, a
 * status of 4,096 characters that can take two bytes each, and 150 texts and objects. That is 75 MB of the 128 MB of the
 * operator if users of ten namespaces want that. Measured: 17 KB, and 2 KB with two URIs, together 6 MB.
 */
const mostClients = { total: 3_000, ofNamespace: 300 }

/** A namespace with AuthClients that are not cached. */
interface FullNamespace {
  /** The cache that has ignored them. */
  reader: Reader
  /** Whether one of its AuthClients has gone since it was last read. */
  hasChanged: boolean
  /** Whether one was ignored since it was last read. */
  isIgnoring: boolean
  /** AuthServices whose servers keep clients of it that are not cached. */
  keptFor: Set<ObjectKey>
}

/** Which AuthClients the caches have room for. The clients of one namespace cannot take the room of all others. */
export class ClientRoom {
  readonly #log: Log
  readonly #most: typeof mostClients
  readonly #counts = new Map<string, number>()
  readonly #full = new Map<string, FullNamespace>()
  #total = 0
  #lists = 0
  #isReading = false

  constructor(log: Log, most = mostClients) {
    this.#log = log
    this.#most = most
  }

  /** The admission of one cache. */
  admissionOf(reader: Reader, isCached: (key: ObjectKey) => boolean): Admission<AuthClient> {
    return {
      admits: (client) => {
        if (isCached(keyOf(client)) || this.#hasRoom(client.metadata.namespace)) return true
        this.#ignore(client.metadata.namespace, reader)
        return false
      },
      isGone: ({ metadata }) => this.#expectRoom(metadata.namespace),
    }
  }

  /** An AuthClient is cached. */
  added(namespace: string): void {
    this.#count(namespace, 1)
  }

  /** An AuthClient is no longer cached. */
  removed(namespace: string): void {
    this.#count(namespace, -1)
    this.#expectRoom(namespace)
  }

  /** A complete list begins. */
  listed(): void {
    this.#lists++
  }

  /** Whether all AuthClients are cached. */
  get isComplete(): boolean {
    return this.#full.size === 0
  }

  /** Whether the namespace has AuthClients that are not cached. */
  isFull(namespace: string): boolean {
    return this.#full.has(namespace)
  }

  /** The servers of the AuthService keep a client of the namespace that is not cached. */
  keep(namespace: string, authService: ObjectKey): void {
    this.#full.get(namespace)?.keptFor.add(authService)
  }

  /** The caches are gone; other ones list again. */
  clear(): void {
    this.#full.clear()
  }

  /**
   * Reads the namespaces again that may have room.
   * @returns AuthServices of which no client is missing any more
   */
  async readAgain(): Promise<ObjectKey[]> {
    if (this.#isReading) return []
    this.#isReading = true
    const complete: ObjectKey[] = []
    for (const [namespace, one] of this.#full) {
      if (!one.hasChanged && !this.#hasRoom(namespace)) continue
      if (await this.#hasAll(namespace, one)) {
        this.#full.delete(namespace)
        complete.push(...one.keptFor)
      }
    }
    this.#isReading = false
    return complete
  }

  async #hasAll(namespace: string, one: FullNamespace): Promise<boolean> {
    const lists = this.#lists
    one.hasChanged = false
    one.isIgnoring = false
    try {
      await one.reader.readAgain(namespace)
    } catch (error) {
      this.#log.debug({ err: error, namespace }, 'AuthClients cannot be read again: retrying')
      one.hasChanged = true
      return false
    }
    // A complete list that begins meanwhile ends the read, and has not necessarily reached the namespace.
    if (lists !== this.#lists) one.hasChanged = true
    return lists === this.#lists && !one.isIgnoring && this.#full.get(namespace) === one
  }

  #hasRoom(namespace: string): boolean {
    return this.#total < this.#most.total && (this.#counts.get(namespace) ?? 0) < this.#most.ofNamespace
  }

  #ignore(namespace: string, reader: Reader): void {
    const known = this.#full.get(namespace)
    if (known !== undefined) {
      known.isIgnoring = true
      return
    }
    this.#full.set(namespace, { reader, hasChanged: false, isIgnoring: true, keptFor: new Set() })
    const message = 'ignoring further AuthClients of this namespace: their servers keep the ones that they have'
    this.#log.warn({ namespace, cached: this.#counts.get(namespace) ?? 0, most: this.#most }, message)
  }

  #expectRoom(namespace: string | undefined): void {
    const full = this.#full.get(namespace ?? '')
    if (full !== undefined) full.hasChanged = true
  }

  #count(namespace: string, change: number): void {
    const count = (this.#counts.get(namespace) ?? 0) + change
    this.#total += change
    if (count === 0) this.#counts.delete(namespace)
    else this.#counts.set(namespace, count)
  }
}
