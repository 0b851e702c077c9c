import { isDeepStrictEqual } from 'node:util'
import { idOf, type Manifest } from './apply/plan.ts'
import { withIdentityOnly } from './cache-transforms.ts'
import { ObjectPacker, type PackedObject, unpack } from './shared-text.ts'

/** The children of one owner, and the words by which they differ from those of another one. */
interface Family {
  words: readonly string[]
  /** The ownerReferences of the first of them, and with few exceptions of all others. */
  ownerReferences: Manifest['metadata']['ownerReferences']
  children: Map<string, PackedObject>
}

/**
 * Children by the uid of the object that controls them, so that one visit does not look at everybody's. They are kept
 * as text of which most is shared with other owners' children, which takes a small part of the memory of objects; a
 * visit reads its own few.
 */
export class ChildIndex {
  readonly #byOwner = new Map<string, Family>()
  readonly #packer = new ObjectPacker()

  put(child: Manifest): void {
    const owner = controllerOf(child)
    if (owner === undefined) return
    this.remove(child)
    const family: Family = this.#byOwner.get(owner.uid) ?? {
      words: [owner.uid, owner.name, child.metadata.namespace ?? ''],
      ownerReferences: child.metadata.ownerReferences,
      children: new Map(),
    }
    family.children.set(idOf(child), this.#packer.pack(child, family.words))
    this.#byOwner.set(owner.uid, family)
  }

  remove(child: Manifest): void {
    const owner = controllerOf(child)
    const family = owner && this.#byOwner.get(owner.uid)
    const packed = family?.children.get(idOf(child))
    if (owner === undefined || family === undefined || packed === undefined) return
    this.#packer.release(packed)
    family.children.delete(idOf(child))
    if (family.children.size === 0) this.#byOwner.delete(owner.uid)
  }

  /** Of a child what tells whose it is, with the same ownerReferences in memory for all children of one owner. */
  identityOf(child: Manifest): Manifest {
    const identity = withIdentityOnly(child)
    const { ownerReferences } = this.#byOwner.get(controllerOf(child)?.uid ?? '') ?? {}
    if (!isDeepStrictEqual(ownerReferences, child.metadata.ownerReferences)) return identity
    return { ...identity, metadata: { ...identity.metadata, ...(ownerReferences && { ownerReferences }) } }
  }

  of(ownerUid: string): Manifest[] {
    const family = this.#byOwner.get(ownerUid)
    if (family === undefined) return []
    return [...family.children.values()].map((packed) => JSON.parse(unpack(packed, family.words)))
  }
}

/** The owner that manages the object, of which there is at most one. */
export function controllerOf({ metadata }: Manifest): { kind: string; name: string; uid: string } | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true)
}
