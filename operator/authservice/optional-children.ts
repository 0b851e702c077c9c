import type { KubeClient } from '../kube/client.ts'
import type { Discovery } from '../kube/discovery.ts'
import type { Change, Informer, Log } from '../kube/informer.ts'
import type { KubernetesObject, Resource } from '../kube/objects.ts'
import { OptionalInformer } from '../kube/optional-informer.ts'
import { type Availability, OptionalKinds } from '../kube/optional-kinds.ts'
import type { Manifest } from './apply/plan.ts'
import type { IngressClass } from './front.ts'
import { type Availabilities, ingressClasses, optionalKinds } from './kinds.ts'

export interface OptionalChildrenOptions {
  client: KubeClient
  discovery: Discovery
  log: Log
  /** Namespaces to watch; empty for all. */
  namespaces: readonly string[]
  /** How often it is asked which kinds the cluster has. */
  intervalMilliseconds?: number
  /** Informers of one kind of child, not started. */
  inform: (resource: Resource) => Informer<Manifest>[]
  /** Informers of the classes that serve an Ingress, not started. */
  informClasses: () => Informer<IngressClassObject>[]
}

type IngressClassObject = KubernetesObject & IngressClass

/**
 * The caches of those children whose kind a cluster may lack, and of the classes that serve an Ingress, which not every
 * operator may read: each runs while it can.
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
   * @param onKinds is called when a kind has come and is cached, or has gone, or when a class of Ingress changed: what is
   * possible has changed for everybody
   * @returns when the kinds that the cluster has are cached
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

  /** Those that run now. */
  get informers(): readonly Pick<Informer<Manifest>, 'silentSeconds' | 'longestSilenceSeconds'>[] {
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
    // One entry for each of the kinds, under its own name.
    return Object.fromEntries(entries) as Availabilities
  }

  async #follow(resource: Resource, availability: Availability): Promise<void> {
    const informer = resource === ingressClasses ? this.#classes : this.#informers.get(resource)
    await (availability === 'available' ? informer?.open() : informer?.close())
  }
}
