import type { KubeClient } from './client.ts'
import { type Discovery, DiscoveryUnsupportedError, type ServedKinds } from './discovery.ts'
import { isNotFound, KubeError } from './errors.ts'
import type { Log } from './informer.ts'
import type { Resource } from './objects.ts'

/** Whether a kind can be used. `forbidden`: the cluster has it, and this account may not list it. */
export type Availability = 'available' | 'absent' | 'forbidden'

export interface OptionalKindsOptions {
  discovery: Pick<Discovery, 'look'>
  client: Pick<KubeClient, 'list'>
  log: Log
  /** Kinds that a cluster may or may not have, such as those of a CustomResourceDefinition. */
  resources: readonly Resource[]
  /** Where namespaced kinds are used; empty for everywhere. */
  namespaces: readonly string[]
  /** How often the API server is asked. */
  intervalMilliseconds?: number
}

const defaultIntervalMilliseconds = 10_000

/**
 * Knows which of some kinds the cluster has, from the start on and soon after one appears or goes. Watching the
 * CustomResourceDefinitions would tell at once, but is a right over the whole cluster; asking is everybody's.
 */
export class OptionalKinds {
  readonly #options: OptionalKindsOptions
  readonly #availability = new Map<Resource, Availability>()
  readonly #handlers: ((resource: Resource, availability: Availability) => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #stopped = false
  #failing = false

  constructor(options: OptionalKindsOptions) {
    this.#options = options
  }

  availability(resource: Resource): Availability {
    return this.#availability.get(resource) ?? 'absent'
  }

  /** Called for each change from now on. At the start every kind is absent. */
  onChange(handler: (resource: Resource, availability: Availability) => void): void {
    this.#handlers.push(handler)
  }

  /** Resolves after the first look that was answered: until then nobody knows what is absent. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const look = async () => {
        if (await this.#look()) resolve()
        if (this.#stopped) return resolve()
        this.#timer = setTimeout(again, this.#options.intervalMilliseconds ?? defaultIntervalMilliseconds)
      }
      const again = () => {
        this.#looking = look()
      }
      again()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  /** @returns whether every kind was judged */
  async #look(): Promise<boolean> {
    const { log, resources } = this.#options
    try {
      const served = await this.#served()
      for (const resource of resources) this.#set(resource, await this.#judge(resource, served))
      this.#failing = false
      return true
    } catch (error) {
      // What was known stays: an API server that is away has not lost its kinds.
      log[this.#failing ? 'debug' : 'warn']({ err: error }, 'the kinds of the cluster cannot be looked up: tried again')
      this.#failing = true
      return false
    }
  }

  /** An API server that will never tell counts as one that has none of the kinds. */
  async #served(): Promise<ServedKinds> {
    try {
      return await this.#options.discovery.look()
    } catch (error) {
      if (!(error instanceof DiscoveryUnsupportedError || isForbidden(error))) throw error
      this.#options.log.debug({ err: error }, 'optional kinds are not used')
      return { has: () => false }
    }
  }

  async #judge(resource: Resource, served: ServedKinds): Promise<Availability> {
    if (!served.has(resource)) return 'absent'
    if (this.availability(resource) === 'available') return 'available'
    const { client, namespaces } = this.#options
    const scopes =
      namespaces.length === 0 || !resource.namespaced ? [{}] : namespaces.map((namespace) => ({ namespace }))
    try {
      for (const scope of scopes) await client.list(resource, { limit: 1, ...scope })
      return 'available'
    } catch (error) {
      if (isForbidden(error)) return 'forbidden'
      if (isNotFound(error)) return 'absent' // gone since it was listed
      throw error
    }
  }

  #set(resource: Resource, availability: Availability): void {
    const before = this.availability(resource)
    if (before === availability || this.#stopped) return
    this.#availability.set(resource, availability)
    const fields = { kind: resource.kind, apiVersion: resource.apiVersion, availability }
    if (availability === 'forbidden') this.#options.log.warn(fields, 'the cluster has a kind that may not be listed')
    else this.#options.log.info(fields, 'the kinds of the cluster changed')
    for (const handler of this.#handlers) handler(resource, availability)
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 401 || error.status === 403)
}
