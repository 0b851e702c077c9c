import type { Log } from '../../../kube/log.ts'
import { realClock, WorkQueue } from '../../../kube/work-queue.ts'
import type { Reader } from './claims.ts'

/** Maximum number of concurrent lists: lists of one kind in one namespace always run one after the other. */
const workers = 4

interface LateRead {
  reader: Reader
  namespace: string
  claims: Set<string>
}

/**
 * Makes caches list objects that they saw before the AuthService of these objects: once for each namespace, however
 * many AuthServices are new there. A failed list is retried after a second, then with doubled delays of up to five
 * minutes; it is abandoned when its AuthServices are gone. Lists do not wait for other lists that fail.
 */
export class LateReads {
  readonly #queue: WorkQueue
  readonly #reads = new Map<string, LateRead>()
  readonly #ids = new WeakMap<Reader, number>()
  readonly #log: Log
  readonly #isKnown: (claim: string) => boolean
  readonly #running: Promise<void>[]
  #nextId = 0

  /** @param isKnown whether the AuthService of a claim exists */
  constructor(log: Log, isKnown: (claim: string) => boolean, clock = realClock) {
    this.#log = log
    this.#isKnown = isKnown
    this.#queue = new WorkQueue({ clock, backoff: { baseMilliseconds: 1_000, mostMilliseconds: 300_000 } })
    this.#running = Array.from({ length: workers }, () => this.#work())
  }

  /** For a new AuthService. */
  add(claim: string, readers: readonly Reader[]): void {
    const namespace = claim.slice(0, claim.indexOf('/'))
    for (const reader of readers) {
      const key = `${this.#idOf(reader)} ${namespace}`
      const { claims } = this.#reads.get(key) ?? { claims: new Set<string>() }
      this.#reads.set(key, { reader, namespace, claims: claims.add(claim) })
      this.#queue.add(key)
    }
  }

  async stop(): Promise<void> {
    this.#queue.shutDown()
    await Promise.all(this.#running)
  }

  #idOf(reader: Reader): number {
    const id = this.#ids.get(reader) ?? this.#nextId++
    this.#ids.set(reader, id)
    return id
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      await this.#read(key)
      this.#queue.done(key)
    }
  }

  async #read(key: string): Promise<void> {
    const read = this.#reads.get(key)
    // An AuthService that is added from now on needs another list, even if this one fails.
    this.#reads.delete(key)
    const claims = [...(read?.claims ?? [])].filter(this.#isKnown)
    if (read === undefined || claims.length === 0 || read.reader.isStopped) return this.#queue.forget(key)
    try {
      await read.reader.readAgain(read.namespace)
      this.#queue.forget(key)
    } catch (error) {
      const { claims: added = new Set<string>() } = this.#reads.get(key) ?? {}
      this.#reads.set(key, { ...read, claims: new Set([...claims, ...added]) })
      const level = this.#queue.failures(key) === 0 ? 'warn' : 'debug'
      const { namespace } = read
      this.#log[level]({ err: error, namespace }, 'objects of a new AuthService cannot be read: retrying')
      this.#queue.addRateLimited(key)
    }
  }
}
