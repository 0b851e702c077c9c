import type { Discovery } from '../../../kube/discovery.ts'
import type { Informer } from '../../../kube/informer.ts'
import type { Admission, Change } from '../../../kube/object-cache.ts'
import { type KubernetesObject, keyOf, type Resource, splitKey } from '../../../kube/objects.ts'
import { group, kind } from '../../api/group.ts'
import type { AuthService } from '../../api/schema.ts'
import type { AuthServiceKey } from '../../model/auth-service-key.ts'
import type { IngressClass } from '../../model/exposure.ts'
import { childKinds, ingressClasses } from '../../model/kinds.ts'
import { instanceOf, managedBySelector } from '../../model/labels.ts'
import { controllerOf, type Manifest } from '../../model/manifest.ts'
import { type CachedChild, withControllerOnly, withoutBulk } from './cache-transforms.ts'
import type { Claims, Reader } from './claims.ts'
import { createInformers, type InformerSettings } from './informers.ts'
import { OptionalChildren } from './optional-children.ts'
import { Orphans } from './orphans.ts'
import type { Notify, OwnedCache } from './owned-cache.ts'
import { PackedChildren } from './packed-children.ts'

/** Maximum number of cached children of one AuthService. */
const mostChildren = 1_000

export interface ChildCacheOptions {
  discovery: Discovery
  /** Interval at which the watch queries the kinds of the cluster. */
  intervalMilliseconds?: number
  claims: Claims
  notify: Notify
}

/** The children of AuthServices, found by the owner that controls them, and orphans that may become children. */
export class ChildCache implements OwnedCache<CachedChild> {
  /** Kinds that every cluster has. */
  readonly informers: readonly Informer<Manifest>[]
  /** Optional kinds. */
  readonly optional: OptionalChildren
  readonly #index = new PackedChildren()
  readonly #orphans = new Orphans()
  readonly #claims: Claims
  readonly #notify: Notify

  constructor(settings: InformerSettings, { claims, notify, ...options }: ChildCacheOptions) {
    this.#claims = claims
    this.#notify = notify
    const inform = (resource: Resource) =>
      createInformers<Manifest>(settings, resource, {
        labelSelector: managedBySelector,
        admission: (reader) => this.#admission(reader),
        transform: (child) => withoutBulk(child, this.#index.roomFor(child)),
        keep: (child) => this.#index.identityOf(child),
      })
    const informClasses = () =>
      createInformers<KubernetesObject & IngressClass>(settings, ingressClasses, { transform: withControllerOnly })
    this.informers = childKinds.flatMap(inform)
    this.optional = new OptionalChildren({ ...settings, ...options, inform, informClasses })
    for (const informer of [...this.informers, this.optional]) informer.onChange((change) => this.#take(change))
  }

  of({ metadata }: AuthService): readonly CachedChild[] {
    return this.#index.of(metadata.uid)
  }

  /** Identities of objects that have the labels of the AuthService and no controller. */
  orphansOf({ metadata }: AuthService): readonly Manifest[] {
    return this.#orphans.of(keyOf({ metadata }))
  }

  /** Excludes an object from the orphans until it changes, because it does not belong to the operator. */
  refuseOrphan({ metadata }: AuthService, object: Manifest): void {
    this.#orphans.refuse(keyOf({ metadata }), object)
  }

  forget({ metadata }: AuthService): void {
    this.#orphans.forgetAllOf(keyOf({ metadata }))
    this.#index.removeAllOf(metadata.uid)
  }

  #take(change: Change<Manifest>): void {
    if (change.type === 'updated') this.#index.remove(change.before)
    if (change.type === 'deleted') this.#index.remove(change.object)
    else this.#index.put(change.object)
    // An edit may have removed the owner: the reconcile of the previous owner then repairs it.
    const before = change.type === 'updated' ? ownerOf(change.before) : undefined
    for (const key of [ownerOf(change.object), before]) if (key !== undefined) this.#notify(key, 'soon')
  }

  /** A child is admitted if the owner that controls it exists. */
  #admission(reader: Reader): Admission<Manifest> {
    const claims = this.#claims.admission<Manifest>(claimOfChild, reader)
    return {
      admits: (child) => {
        this.#noteOrphan(child, reader)
        return claims.admits(child) && this.#index.hasRoomFor(child, mostChildren)
      },
      isGone: (child) => this.#orphans.forget(child),
    }
  }

  #noteOrphan(child: Manifest, reader: Reader): void {
    const instance = instanceOf(child)
    if (instance === undefined) return
    if (!this.#claims.isKnown(instance)) {
      if (controllerOf(child) === undefined) this.#claims.expect(instance, reader)
      return
    }
    const { namespace, name } = splitKey(this.#orphans.note(child) ?? '')
    if (namespace !== undefined) this.#notify({ namespace, name }, 'soon')
  }
}

/** The AuthService that controls a child. */
function ownerOf(child: Manifest): AuthServiceKey | undefined {
  const owner = controllerOf(child)
  const { namespace } = child.metadata
  return owner?.kind === kind && namespace !== undefined ? { namespace, name: owner.name } : undefined
}

/** A UID has 36 characters, and a name at most 253. The API server does not validate those of an owner. */
const longestOwnerText = 253

/** The claim of a child by its owner, which is in the same namespace, whatever its uid. */
function claimOfChild(child: Manifest): string | undefined {
  const owner = controllerOf(child)
  if (owner?.kind !== kind || !owner.apiVersion.startsWith(`${group}/`)) return undefined
  const isOwner = [owner.apiVersion, owner.name, owner.uid].every((text) => text.length <= longestOwnerText)
  return isOwner ? claimOfOwner(child.metadata.namespace, owner.uid) : undefined
}

/** The claim of the children of an AuthService. */
export function claimOfOwner(namespace: string | undefined, uid: string): string {
  return `${namespace}/${uid}/${kind}`
}
