import { idOf, type Manifest } from './apply/plan.ts'
import { type PackedText, TextPacker, unpack } from './packed-text.ts'

/**
 * Children by the uid of the object that controls them, so that one visit does not look at everybody's. They are kept
 * as packed text, which takes a small part of the memory of objects; a visit reads its own few.
 */
export class ChildIndex {
  readonly #byOwner = new Map<string, Map<string, PackedText>>()
  readonly #packer = new TextPacker()

  put(child: Manifest): void {
    const owner = controllerOf(child)
    if (owner === undefined) return
    const siblings = this.#byOwner.get(owner.uid) ?? new Map<string, PackedText>()
    const pattern = () => JSON.stringify(withoutData(child))
    siblings.set(idOf(child), this.#packer.pack(JSON.stringify(child), roleOf(child, owner), pattern))
    this.#byOwner.set(owner.uid, siblings)
  }

  remove(child: Manifest): void {
    const owner = controllerOf(child)
    const siblings = owner && this.#byOwner.get(owner.uid)
    if (owner === undefined || siblings === undefined) return
    siblings.delete(idOf(child))
    if (siblings.size === 0) this.#byOwner.delete(owner.uid)
  }

  of(ownerUid: string): Manifest[] {
    return [...(this.#byOwner.get(ownerUid)?.values() ?? [])].map((text) => JSON.parse(unpack(text)))
  }
}

/** Which of an owner's children it is: those of other owners that are much like it have the same. */
function roleOf(child: Manifest, owner: { name: string }): string {
  // A name ends in a hash where each version of a child has one of its own.
  return idOf(child)
    .replace(owner.name, '')
    .replace(/-[0-9a-f]{6,}$/, '')
}

/** What outlives a Secret must not hold its values. */
function withoutData(child: Manifest & { data?: unknown }): Manifest {
  const { data, ...rest } = child
  return child.kind === 'Secret' ? rest : { ...rest, ...(data !== undefined && { data }) }
}

/** The owner that manages the object, of which there is at most one. */
export function controllerOf({ metadata }: Manifest): { kind: string; name: string; uid: string } | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true)
}
