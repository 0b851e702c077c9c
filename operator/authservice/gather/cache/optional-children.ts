import type { KubeClient } from '../../../kube/client.ts'
import type { Discovery } from '../../../kube/discovery.ts'
import type { Informer } from '../../../kube/informer.ts'
import type { Log } from '../../../kube/log.ts'
import type { Change } from '../../../kube/object-cache.ts'
import type { KubernetesObject, Resource } from '../../../kube/objects.ts'
import { OptionalInformer } from '../../../kube/optional-informer.ts'
import { type Availability, OptionalKinds } from '../../../kube/optional-kinds.ts'
import type { IngressClass } from '../../model/exposure.ts'
import { type Availabilities, ingressClasses, optionalKinds } from '../../model/kinds.ts'
import type { Manifest } from '../../model/manifest.ts'

export interface OptionalChildrenOptions {
  client: KubeClient
  discovery: Discovery
  log: Log
  /** Watched namespaces; empty: all. */
  namespaces: readonly string[]
  /** Interval of the discovery of kinds. */
  intervalMilliseconds?: number
  /** Informers of one kind of child that have not started. */
  inform: (resource: Resource) => Informer<Manifest>[]
  /** Informers of IngressClasses that have not started. */
  informClasses: () => Informer<IngressClassObject>[]
}

type IngressClassObject = KubernetesObject & IngressClass

/**
 * The caches of children of optional kinds, and of IngressClasses, which not every operator may read: each runs while
 * it can.
 */
export class OptionalChildren {
  readonly #kinds: OptionalKinds
  readonly #informers: ReadonlyMap<Resource, OptionalInformer<Manifest>>
  readonly #classes: OptionalInformer<IngressClassObject>

  constructor({ inform, informClasses, ...options }: OptionalChildrenOptions) {
    const resources = Object.values(optionalKinds)
    this.#kinds = new OptionalKinds({ ...options, resources: [...resources, ingressClasses] })
    this.#classes = new OptionalInformer(informClasses)
    this.#informers = new Map(resources.map((resource) => [resource, new OptionalInformer(() => inform(resource))]))
  }

  onChange(handler: (change: Change<Manifest>) => void): void {
    for (const informer of this.#informers.values()) informer.onChange(handler)
  }

  /**
   * @param onKinds called when a kind has appeared and is cached, when it has disappeared, or when an IngressClass has
   * changed: this affects every AuthService
   * @returns when the kinds of the cluster are cached
   */
  async start(onKinds: () => void): Promise<void> {
    this.#classes.onChange(onKinds)
    const first: Promise<void>[] = []
    let isFirst = true
    this.#kinds.onChange((resource, availability) => {
      const followed = this.#follow(resource, availability).then(onKinds)
      if (isFirst) first.push(followed)
    })
    await this.#kinds.start()
    isFirst = false
    await Promise.all(first)
  }

  async stop(): Promise<void> {
    await this.#kinds.stop()
    await Promise.all([this.#classes, ...this.#informers.values()].map((informer) => informer.close()))
  }

  /** The running informers. */
  get informers(): readonly Pick<Informer<Manifest>, 'silentSeconds' | 'longestSilenceSeconds' | 'contents'>[] {
    return [this.#classes, ...this.#informers.values()].flatMap(({ informers }) => [...informers])
  }

  ingressClasses(): IngressClass[] {
    return this.#classes.list()
  }

  availabilities(): Availabilities {
    const entries = Object.entries({ ...optionalKinds, ingressClass: ingressClasses }).map(([name, resource]) => [
      name,
      this.#kinds.availability(resource),
    ])
    // One entry for each kind, under its own name.
    return Object.fromEntries(entries) as Availabilities
  }

  async #follow(resource: Resource, availability: Availability): Promise<void> {
    const informer = resource === ingressClasses ? this.#classes : this.#informers.get(resource)
    await (availability === 'available' ? informer?.open() : informer?.close())
  }
}
