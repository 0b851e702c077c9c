import type { KubernetesObject, ObjectKey } from '../../../kube/objects.ts'
import { instanceOf } from '../../model/labels.ts'
import { controllerOf, idOf, type Manifest } from '../../model/manifest.ts'
import { withIdentityOnly } from './cache-transforms.ts'

/** More than an AuthService leaves behind. Further ones are not remembered. */
const mostOfEach = 200
/** Maximum number of remembered orphans of all AuthServices, about 500 bytes each. */
const mostOrphans = 10_000

/**
 * Objects without a controller that have the labels of an AuthService: it was deleted with `--cascade=orphan`, or they
 * were restored from a backup. Only their identity is kept, and only while that AuthService exists.
 */
export class Orphans {
  readonly #byInstance = new Map<ObjectKey, Map<string, Manifest>>()
  /** Versions that were examined and must not be adopted, by uid. */
  readonly #refused = new Map<string, string>()
  #count = 0

  /**
   * Records the current state of an object. The caller has checked that its AuthService exists.
   * @returns the AuthService that it names, if it may now be adopted and previously could not
   */
  note(object: Manifest): ObjectKey | undefined {
    const instance = instanceOf(object)
    if (instance === undefined) return undefined
    const isOrphan = controllerOf(object) === undefined && object.metadata.deletionTimestamp === undefined
    if (!isOrphan) {
      this.forget(object)
      return undefined
    }
    const siblings = this.#byInstance.get(instance) ?? new Map<string, Manifest>()
    const before = siblings.get(idOf(object))?.metadata.uid
    const isNew = before !== object.metadata.uid
    if (isNew) this.#refused.delete(before ?? '')
    if (!siblings.has(idOf(object))) {
      if (siblings.size >= mostOfEach || this.#count >= mostOrphans) return undefined
      this.#count++
    }
    siblings.set(idOf(object), withIdentityOnly(object))
    this.#byInstance.set(instance, siblings)
    return isNew ? instance : undefined
  }

  forget(object: KubernetesObject & Manifest): void {
    const instance = instanceOf(object)
    const siblings = instance === undefined ? undefined : this.#byInstance.get(instance)
    if (instance === undefined || siblings?.delete(idOf(object)) !== true) return
    this.#count--
    this.#refused.delete(object.metadata.uid ?? '')
    if (siblings.size === 0) this.#byInstance.delete(instance)
  }

  /** For an AuthService that is gone. */
  forgetAllOf(instance: ObjectKey): void {
    for (const { metadata } of this.#byInstance.get(instance)?.values() ?? []) this.#refused.delete(metadata.uid ?? '')
    this.#count -= this.#byInstance.get(instance)?.size ?? 0
    this.#byInstance.delete(instance)
  }

  /** This version of an object must not be adopted: it is excluded until it changes. */
  refuse(instance: ObjectKey, object: Manifest): void {
    const { uid, resourceVersion } = object.metadata
    const isKnown = this.#byInstance.get(instance)?.has(idOf(object)) === true
    if (isKnown && uid !== undefined && resourceVersion !== undefined) this.#refused.set(uid, resourceVersion)
  }

  /** The objects that may be adopted. */
  of(instance: ObjectKey): Manifest[] {
    const all = [...(this.#byInstance.get(instance)?.values() ?? [])]
    return all.filter(({ metadata: { uid = '', resourceVersion } }) => {
      const refused = this.#refused.get(uid)
      return refused === undefined || refused !== resourceVersion
    })
  }
}
