import type { Admission } from '../../../kube/object-cache.ts'
import type { KubernetesObject } from '../../../kube/objects.ts'

/** A cache that may have rejected an object because its AuthService was unknown. */
export interface Reader {
  /** The watched namespace; undefined: all. */
  readonly namespace: string | undefined
  readonly isStopped: boolean
  /** Lists the selected objects in a namespace, and adds those that are admitted now. @throws KubeError */
  readAgain(namespace: string): Promise<void>
}

/** Maximum number of remembered claims, about 1 KB each, however many objects make them. */
const mostWaiting = 5_000

/**
 * Which AuthServices exist, by the claims of other objects. A label proves nothing: any user in any namespace can set
 * ours, so a cache admits only objects that name an existing AuthService. Each kind has its own watch, so an object may
 * arrive before its AuthService. It is then remembered which caches have seen such an object, but nothing of the object
 * itself. These caches list again when the AuthService exists.
 *
 * A claim begins with a namespace and a slash.
 */
export class Claims {
  readonly #known = new Set<string>()
  readonly #waiting = new Map<string, Set<Reader>>()
  readonly #readers = new Set<Reader>()
  readonly #onOverflow: () => void
  #hasOverflown = false

  /**
   * @param onOverflow called once, when there are more claims than can be remembered: from then on, `add` returns every
   * cache
   */
  constructor(onOverflow: () => void) {
    this.#onOverflow = onOverflow
  }

  isKnown(claim: string): boolean {
    return this.#known.has(claim)
  }

  /** @returns the caches that must list the namespace of the claim again */
  add(claim: string): Reader[] {
    this.#known.add(claim)
    for (const reader of this.#readers) if (reader.isStopped) this.#readers.delete(reader)
    const waiting = this.#waiting.get(claim) ?? []
    this.#waiting.delete(claim)
    const readers = this.#hasOverflown ? this.#readersOf(claim) : [...waiting]
    return readers.filter(({ isStopped }) => !isStopped)
  }

  /** @param mayReturn whether another AuthService may have the same claim: every cache then lists again for it */
  remove(claim: string, mayReturn: boolean): void {
    this.#known.delete(claim)
    if (mayReturn) for (const reader of this.#readersOf(claim)) this.expect(claim, reader)
  }

  /** Remembers that a cache has seen an object whose AuthService is unknown. */
  expect(claim: string, reader: Reader): void {
    const readers = this.#waiting.get(claim)
    if (readers !== undefined) readers.add(reader)
    else if (this.#waiting.size < mostWaiting) this.#waiting.set(claim, new Set([reader]))
    else if (!this.#hasOverflown) {
      this.#hasOverflown = true
      this.#onOverflow()
    }
  }

  /** @param claimOf the claim of an object; undefined: it has none, and is not remembered */
  admission<T extends KubernetesObject>(claimOf: (object: T) => string | undefined, reader: Reader): Admission<T> {
    this.#readers.add(reader)
    return {
      admits: (object) => {
        const claim = claimOf(object)
        if (claim === undefined) return false
        if (this.#known.has(claim)) return true
        this.expect(claim, reader)
        return false
      },
      isGone: () => {},
    }
  }

  #readersOf(claim: string): Reader[] {
    const namespace = claim.slice(0, claim.indexOf('/'))
    return [...this.#readers].filter((reader) => reader.namespace === undefined || reader.namespace === namespace)
  }
}
