import type { ObjectKey } from '../../../kube/objects.ts'

/** Which AuthServices name which objects, such as a Secret with the password of a database. */
export class ReferenceIndex {
  readonly #byReferrer = new Map<ObjectKey, readonly ObjectKey[]>()
  readonly #byReferenced = new Map<ObjectKey, Set<ObjectKey>>()

  /** Replaces the objects that a referrer names. */
  set(referrer: ObjectKey, referenced: readonly ObjectKey[]): void {
    for (const key of this.#byReferrer.get(referrer) ?? []) {
      const referrers = this.#byReferenced.get(key)
      referrers?.delete(referrer)
      if (referrers?.size === 0) this.#byReferenced.delete(key)
    }
    if (referenced.length === 0) this.#byReferrer.delete(referrer)
    else this.#byReferrer.set(referrer, referenced)
    for (const key of referenced) {
      const referrers = this.#byReferenced.get(key) ?? new Set<ObjectKey>()
      this.#byReferenced.set(key, referrers.add(referrer))
    }
  }

  /** The AuthServices that name it. */
  referrersOf(referenced: ObjectKey): ObjectKey[] {
    return [...(this.#byReferenced.get(referenced) ?? [])]
  }
}
