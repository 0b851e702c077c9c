import type { ObjectStore } from '../kube/informer.ts'
import type { KubernetesObject, ObjectKey } from '../kube/objects.ts'
import { ObjectPacker, type PackedObject, unpack } from './shared-text.ts'

interface Held {
  packed: PackedObject
  words: readonly string[]
}

/**
 * Keeps the objects of a cache as text of which most is shared between them: a small part of the memory of objects, and
 * some 30 µs for each that is read.
 */
export class PackedStore<T extends KubernetesObject> implements ObjectStore<T> {
  readonly #packer = new ObjectPacker()
  readonly #held = new Map<ObjectKey, Held>()
  readonly #wordsOf: (object: T) => readonly string[]

  /** @param wordsOf what tells an object from those like it, longer words before those that are part of them */
  constructor(wordsOf: (object: T) => readonly string[]) {
    this.#wordsOf = wordsOf
  }

  get(key: ObjectKey): T | undefined {
    const held = this.#held.get(key)
    return held && objectOf(held)
  }

  set(key: ObjectKey, object: T): void {
    const words = this.#wordsOf(object)
    const packed = this.#packer.pack(object, words)
    this.delete(key)
    this.#held.set(key, { packed, words })
  }

  delete(key: ObjectKey): boolean {
    const held = this.#held.get(key)
    if (held !== undefined) this.#packer.release(held.packed)
    return this.#held.delete(key)
  }

  keys(): Iterable<ObjectKey> {
    return this.#held.keys()
  }

  *values(): Iterable<T> {
    for (const held of this.#held.values()) yield objectOf<T>(held)
  }
}

function objectOf<T>({ packed, words }: Held): T {
  return JSON.parse(unpack(packed, words))
}

/** What tells an AuthService from others: most of its status is alike. */
export function wordsOfOwner({ metadata }: KubernetesObject): string[] {
  return [metadata.uid ?? '', metadata.name, metadata.namespace ?? '']
}

/** @param label by which the object names its AuthService, whose name begins its own */
export function wordsOfMember(label: string): (object: KubernetesObject) => string[] {
  return ({ metadata }) => [metadata.name, metadata.labels?.[label] ?? '', metadata.namespace ?? '']
}
