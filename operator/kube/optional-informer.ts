import type { Informer } from './informer.ts'
import type { Change } from './object-cache.ts'
import type { KubernetesObject } from './objects.ts'

/** Informers of an optional kind: they run while the cluster has the kind. */
export class OptionalInformer<T extends KubernetesObject> {
  readonly #make: () => Informer<T>[]
  readonly #handlers: ((change: Change<T>) => void)[] = []
  #running: Informer<T>[] = []
  #closed = Promise.withResolvers<void>()
  #closing: Promise<void> = Promise.resolve()

  /** @param make creates informers that have not started: one for each namespace, or one for all */
  constructor(make: () => Informer<T>[]) {
    this.#make = make
  }

  /** Called for each change from now on; when the kind disappears, for the deletion of each of its objects. */
  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler)
  }

  /** @returns when the cache has its first list, or is closed */
  async open(): Promise<void> {
    await this.#closing // otherwise its deletions would come after the objects that are found now
    if (this.#running.length > 0) return
    this.#closed = Promise.withResolvers<void>()
    this.#running = this.#make()
    for (const informer of this.#running) {
      for (const handler of this.#handlers) informer.onChange(handler)
      informer.start()
    }
    await Promise.race([Promise.all(this.#running.map(({ synced }) => synced)), this.#closed.promise])
  }

  close(): Promise<void> {
    this.#closing = this.#close()
    return this.#closing
  }

  list(): T[] {
    return this.#running.flatMap((informer) => informer.list())
  }

  /** The running informers. */
  get informers(): readonly Informer<T>[] {
    return this.#running
  }

  async #close(): Promise<void> {
    const gone = this.#running
    this.#running = []
    this.#closed.resolve()
    await Promise.all(gone.map((informer) => informer.stop()))
    for (const object of gone.flatMap((informer) => informer.list())) {
      for (const handler of this.#handlers) handler({ type: 'deleted', object })
    }
  }
}
