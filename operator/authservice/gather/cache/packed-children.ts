import { isDeepStrictEqual } from 'node:util'
import { controllerOf, idOf, type Manifest } from '../../model/manifest.ts'
import { withIdentityOnly } from './cache-transforms.ts'
import { ObjectPacker, type PackedObject, unpack } from './shared-text.ts'

/** The children of one owner, and the words that distinguish them from those of another owner. */
interface Family {
  words: readonly string[]
  /** The kept fields of the first child and, with few exceptions, of all others. */
  ownerReferences: Manifest['metadata']['ownerReferences']
  children: Map<string, PackedObject>
  /** Total number of characters. */
  characters: number
}

/**
 * Maximum number of kept characters of the children of one owner. The children that the operator creates have a tenth
 * of it.
 */
const mostOfFamily = 2_000_000

/**
 * Children by the uid of the owner that controls them. They are kept as text, most of which is shared with the children
 * of other owners: a third of the memory of objects. A reconcile parses those of one owner, in about 30 µs each.
 */
export class PackedChildren {
  readonly #byOwner = new Map<string, Family>()
  readonly #packer = new ObjectPacker()

  put(child: Manifest): void {
    const owner = controllerOf(child)
    if (owner === undefined) return
    this.remove(child)
    const family: Family = this.#byOwner.get(owner.uid) ?? {
      words: [owner.uid, owner.name, child.metadata.namespace ?? ''],
      ownerReferences: withIdentityOnly(child).metadata.ownerReferences,
      children: new Map(),
      characters: 0,
    }
    const packed = this.#packer.pack(child, family.words)
    family.children.set(idOf(child), packed)
    family.characters += charactersOf(packed)
    this.#byOwner.set(owner.uid, family)
  }

  /** Whether another child of the owner may be kept, or this one is already kept. */
  hasRoomFor(child: Manifest, mostChildren: number): boolean {
    const children = this.#byOwner.get(controllerOf(child)?.uid ?? '')?.children
    return children === undefined || children.size < mostChildren || children.has(idOf(child))
  }

  /** Number of characters of a child that may be kept, regardless of its current entry. */
  roomFor(child: Manifest): number {
    const family = this.#byOwner.get(controllerOf(child)?.uid ?? '')
    const before = family?.children.get(idOf(child))
    return mostOfFamily - (family?.characters ?? 0) + (before === undefined ? 0 : charactersOf(before))
  }

  /** For an owner that is gone. */
  removeAllOf(ownerUid: string): void {
    for (const packed of this.#byOwner.get(ownerUid)?.children.values() ?? []) this.#packer.release(packed)
    this.#byOwner.delete(ownerUid)
  }

  remove(child: Manifest): void {
    const owner = controllerOf(child)
    const family = owner && this.#byOwner.get(owner.uid)
    const packed = family?.children.get(idOf(child))
    if (owner === undefined || family === undefined || packed === undefined) return
    this.#packer.release(packed)
    family.children.delete(idOf(child))
    family.characters -= charactersOf(packed)
    if (family.children.size === 0) this.#byOwner.delete(owner.uid)
  }

  /**
   * The part of a child that shows its owner, with one ownerReferences array in memory for all children of an owner.
   */
  identityOf(child: Manifest): Manifest {
    const identity = withIdentityOnly(child)
    const { ownerReferences } = this.#byOwner.get(controllerOf(child)?.uid ?? '') ?? {}
    if (!isDeepStrictEqual(ownerReferences, identity.metadata.ownerReferences)) return identity
    return { ...identity, metadata: { ...identity.metadata, ...(ownerReferences && { ownerReferences }) } }
  }

  of(ownerUid: string): Manifest[] {
    const family = this.#byOwner.get(ownerUid)
    if (family === undefined) return []
    return [...family.children.values()].map((packed) => JSON.parse(unpack(packed, family.words)))
  }
}

function charactersOf({ own, shared, ownWords }: PackedObject): number {
  return shared.reduce((sum, text) => sum + text.length, own.length + ownWords.length)
}
