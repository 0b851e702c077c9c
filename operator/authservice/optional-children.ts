import type { KubeClient } from '../kube/client.ts'
import type { Discovery } from '../kube/discovery.ts'
import type { Change, Informer, Log } from '../kube/informer.ts'
import type { Resource } from '../kube/objects.ts'
import { OptionalInformer } from '../kube/optional-informer.ts'
import { type Availability, OptionalKinds } from '../kube/optional-kinds.ts'
import type { Manifest } from './apply/plan.ts'
import { type Availabilities, optionalKinds } from './kinds.ts'

export interface OptionalChildrenOptions {
  client: KubeClient
  discovery: Discovery
  log: Log
  /** Namespaces to watch; empty for all. */
  namespaces: readonly string[]
  /** Informers of one kind of child, not started. */
  inform: (resource: Resource) => Informer<Manifest>[]
}

/** The caches of those children whose kind a cluster may lack: each runs while the cluster has its kind. */
export class OptionalChildren {
  readonly #kinds: OptionalKinds
  readonly #informers: ReadonlyMap<Resource, OptionalInformer<Manifest>>

  constructor({ inform, ...options }: OptionalChildrenOptions) {
    const resources = Object.values(optionalKinds)
    this.#kinds = new OptionalKinds({ ...options, resources })
    this.#informers = new Map(resources.map((resource) => [resource, new OptionalInformer(() => inform(resource))]))
  }

  onChange(handler: (change: Change<Manifest>) => void): void {
    for (const informer of this.#informers.values()) informer.onChange(handler)
  }

  /**
   * @param onKinds is called when a kind has come and is cached, or has gone
   * @returns when the kinds that the cluster has are cached
   */
  async start(onKinds: () => void): Promise<void> {
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
    await Promise.all([...this.#informers.values()].map((informer) => informer.close()))
  }

  /** Those that run now. */
  get informers(): readonly Informer<Manifest>[] {
    return [...this.#informers.values()].flatMap(({ informers }) => informers)
  }

  availabilities(): Availabilities {
    const entries = Object.entries(optionalKinds).map(([name, resource]) => [name, this.#kinds.availability(resource)])
    // One entry for each of the kinds, under its own name.
    return Object.fromEntries(entries) as Availabilities
  }

  async #follow(resource: Resource, availability: Availability): Promise<void> {
    const informer = this.#informers.get(resource)
    await (availability === 'available' ? informer?.open() : informer?.close())
  }
}
