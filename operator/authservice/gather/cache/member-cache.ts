import type { Informer } from '../../../kube/informer.ts'
import type { Change } from '../../../kube/object-cache.ts'
import { type KubernetesObject, keyOf, type ObjectKey, type Resource, splitKey } from '../../../kube/objects.ts'
import type { AuthService } from '../../api/schema.ts'
import { instanceOf, managedBySelector } from '../../model/labels.ts'
import type { Claims } from './claims.ts'
import { cachedObject, createInformers, type InformerSettings } from './informers.ts'
import type { Notify, OwnedCache } from './owned-cache.ts'

export interface MemberCacheOptions<T> {
  resource: Resource
  /** Maximum number of cached objects of one AuthService. */
  most: number
  /** The cached part of an object. */
  transform: (object: T) => T
  claims: Claims
  notify: Notify
}

/** Objects of one kind that other controllers create for an AuthService, found by the name in their label. */
export class MemberCache<T extends KubernetesObject> implements OwnedCache<T> {
  readonly informers: readonly Informer<T>[]
  readonly #keys = new Map<ObjectKey, Set<ObjectKey>>()

  constructor(settings: InformerSettings, { resource, most, transform, claims, notify }: MemberCacheOptions<T>) {
    this.informers = createInformers<T>(settings, resource, {
      labelSelector: managedBySelector,
      admission: (reader) => {
        const known = claims.admission<T>(instanceOf, reader)
        return { ...known, admits: (object) => known.admits(object) && this.#hasRoomFor(object, most) }
      },
      transform,
    })
    for (const informer of this.informers) {
      informer.onChange((change) => {
        this.#take(change)
        const { namespace, name } = splitKey(instanceOf(change.object) ?? '')
        if (namespace !== undefined) notify({ namespace, name }, 'soon')
      })
    }
  }

  of(authService: AuthService): readonly T[] {
    return this.#keysOf(keyOf(authService)).flatMap((key) => cachedObject(this.informers, key) ?? [])
  }

  forget(authService: AuthService): void {
    for (const key of this.#keysOf(keyOf(authService))) for (const informer of this.informers) informer.drop(key)
  }

  #keysOf(instance: ObjectKey): ObjectKey[] {
    return [...(this.#keys.get(instance) ?? [])]
  }

  /** Whether another object may be cached, or this one is already cached. */
  #hasRoomFor(object: T, most: number): boolean {
    const siblings = this.#keys.get(instanceOf(object) ?? '')
    return siblings === undefined || siblings.size < most || siblings.has(keyOf(object))
  }

  #take(change: Change<T>): void {
    // Its label may now name another AuthService.
    if (change.type === 'updated') this.#remove(change.before)
    if (change.type === 'deleted') this.#remove(change.object)
    else this.#add(change.object)
  }

  #add(object: T): void {
    const instance = instanceOf(object)
    if (instance === undefined) return
    const siblings = this.#keys.get(instance) ?? new Set<ObjectKey>()
    this.#keys.set(instance, siblings.add(keyOf(object)))
  }

  #remove(object: T): void {
    const instance = instanceOf(object) ?? ''
    const siblings = this.#keys.get(instance)
    siblings?.delete(keyOf(object))
    if (siblings?.size === 0) this.#keys.delete(instance)
  }
}
