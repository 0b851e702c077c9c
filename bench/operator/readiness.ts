import type { AuthService } from '../../operator/authservice/api/schema.ts'
import { authServices } from '../../operator/authservice/model/kinds.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import { Informer } from '../../operator/kube/informer.ts'
import type { Log } from '../../operator/kube/log.ts'

/** Counts ready AuthServices with a watch: repeated lists would add load to the API server. */
export class Readiness {
  readonly #informer: Informer<AuthService>
  readonly #ready = new Set<string>()
  #expected = Number.POSITIVE_INFINITY
  #reached = Promise.withResolvers<void>()

  constructor(client: KubeClient, log: Log) {
    this.#informer = new Informer({ client, resource: authServices, log })
    this.#informer.onChange(({ type, object }) => {
      if (type !== 'deleted' && isReady(object)) this.#ready.add(object.metadata.name)
      else this.#ready.delete(object.metadata.name)
      if (this.#ready.size >= this.#expected) this.#reached.resolve()
    })
  }

  start(): void {
    this.#informer.start()
  }

  get synced(): Promise<void> {
    return this.#informer.synced
  }

  /** Waits until this many are ready. */
  async all(count: number): Promise<void> {
    this.#expected = count
    if (this.#ready.size < count) await this.#reached.promise
  }

  stop(): Promise<void> {
    return this.#informer.stop()
  }
}

function isReady({ status }: AuthService): boolean {
  return status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true
}
