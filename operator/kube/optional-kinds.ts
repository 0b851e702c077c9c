import type { KubeClient } from './client.ts'
import { type Discovery, DiscoveryUnsupportedError, type ServedKinds } from './discovery.ts'
import { isNotFound, KubeError } from './errors.ts'
import type { Log } from './log.ts'
import type { Resource } from './objects.ts'

/** Whether a kind can be used. `forbidden`: the cluster has it, but this account has no permission to list it. */
export type Availability = 'available' | 'absent' | 'forbidden'

export interface OptionalKindsOptions {
  discovery: Pick<Discovery, 'look'>
  client: Pick<KubeClient, 'list'>
  log: Log
  /** Kinds that a cluster may or may not have, such as those of a CustomResourceDefinition. */
  resources: readonly Resource[]
  /** Namespaces in which namespaced kinds are used; empty: all. */
  namespaces: readonly string[]
  /** Interval between requests to the API server. */
  intervalMilliseconds?: number
}

const defaultIntervalMilliseconds = 10_000

/**
 * Tracks which optional kinds the cluster has, from startup on and soon after one appears or disappears. A watch on
 * CustomResourceDefinitions would be faster, but needs a permission for the whole cluster; discovery does not.
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

  /** Called for each change from now on. At startup, every kind is absent. */
  onChange(handler: (resource: Resource, availability: Availability) => void): void {
    this.#handlers.push(handler)
  }

  /** Resolves after the first successful discovery: before that, it is unknown which kinds are absent. */
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

  /** @returns whether the state of every kind is known */
  async #look(): Promise<boolean> {
    const { log, resources } = this.#options
    try {
      const served = await this.#served()
      for (const resource of resources) this.#set(resource, await this.#judge(resource, served))
      this.#failing = false
      return true
    } catch (error) {
      // Keeps the previous state: an unavailable API server has not lost its kinds.
      log[this.#failing ? 'debug' : 'warn']({ err: error }, 'the kinds of the cluster cannot be discovered: retrying')
      this.#failing = true
      return false
    }
  }

  /** An API server without discovery counts as one that has none of the kinds. */
  async #served(): Promise<ServedKinds> {
    try {
      return await this.#options.discovery.look()
    } catch (error) {
      if (!(error instanceof DiscoveryUnsupportedError || isForbidden(error))) throw error
      this.#options.log.debug({ err: error }, 'not using optional kinds')
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
      if (isNotFound(error)) return 'absent' // disappeared since discovery
      throw error
    }
  }

  #set(resource: Resource, availability: Availability): void {
    const before = this.availability(resource)
    if (before === availability || this.#stopped) return
    this.#availability.set(resource, availability)
    const fields = { kind: resource.kind, apiVersion: resource.apiVersion, availability }
    if (availability === 'forbidden') this.#options.log.warn(fields, 'no permission to list an optional kind')
    else this.#options.log.info(fields, 'the kinds of the cluster changed')
    for (const handler of this.#handlers) handler(resource, availability)
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 401 || error.status === 403)
}
