import { idOf, type Manifest } from './apply/plan.ts'

/**
 * Children by the uid of the object that controls them, so that one visit does not look at everybody's. They are kept
 * as text, which takes a fraction of the memory of objects; a visit reads its own few.
 */
export class ChildIndex {
  readonly #byOwner = new Map<string, Map<string, string>>()

  put(child: Manifest): void {
    const owner = controllerOf(child)
    if (owner === undefined) return
    const siblings = this.#byOwner.get(owner.uid) ?? new Map<string, string>()
    siblings.set(idOf(child), JSON.stringify(child))
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
    return [...(this.#byOwner.get(ownerUid)?.values() ?? [])].map((text) => JSON.parse(text))
  }
}

/** The owner that manages the object, of which there is at most one. */
export function controllerOf({ metadata }: Manifest): { kind: string; name: string; uid: string } | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true)
}
