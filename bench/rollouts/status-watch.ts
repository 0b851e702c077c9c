import { KubeConfig } from '@kubernetes/client-node'
import { withDeadline } from '../../api-server/with-deadline.ts'
import type { AuthService, AuthServiceStatus } from '../../operator/authservice/api/schema.ts'
import { authServices } from '../../operator/authservice/model/kinds.ts'
import { KubeClient } from '../../operator/kube/client.ts'
import { Informer } from '../../operator/kube/informer.ts'
import { Transport } from '../../operator/kube/transport.ts'
import type { Cluster } from '../../tools/local-cluster/cluster.ts'

/** Follows the statuses of the AuthServices of one namespace by an informer. */
export class StatusWatch {
  readonly #namespace: string
  readonly #transport: Transport
  readonly #informer: Informer<AuthService>
  readonly #onStatus = new Set<() => void>()

  constructor(cluster: Pick<Cluster, 'kubeconfigPath'>, namespace: string) {
    this.#namespace = namespace
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfigPath)
    this.#transport = new Transport(config, 'bench')
    this.#informer = new Informer({
      client: new KubeClient(this.#transport, 'bench'),
      resource: authServices,
      namespace,
      log: { debug: () => {}, info: () => {}, warn: console.warn, error: console.error },
    })
    this.#informer.onChange(() => {
      for (const notify of this.#onStatus) notify()
    })
  }

  /** Starts to follow. The AuthServices may not exist yet. */
  start(): void {
    this.#informer.start()
  }

  async close(): Promise<void> {
    await this.#informer.stop()
    this.#transport.close()
  }

  /** The AuthService as it was seen last; undefined before it is seen. */
  get(name: string): AuthService | undefined {
    return this.#informer.get(`${this.#namespace}/${name}`)
  }

  statusOf(name: string): AuthServiceStatus {
    return this.get(name)?.status ?? {}
  }

  /** Calls `notify` after each change of an AuthService. @returns ends that */
  onChange(notify: () => void): () => void {
    this.#onStatus.add(notify)
    return () => this.#onStatus.delete(notify)
  }

  /**
   * Waits until the status of an AuthService meets a condition.
   *
   * @param state names the condition, after `AuthService NAME is not`
   * @throws at the deadline, with the status that was seen last
   */
  async waitUntil(
    name: string,
    state: string,
    isMet: (status: AuthServiceStatus) => boolean,
    timeoutSeconds: number,
  ): Promise<void> {
    const deadline = performance.now() + timeoutSeconds * 1000
    while (!isMet(this.statusOf(name))) {
      const left = deadline - performance.now()
      if (left <= 0) {
        const { rollout, conditions } = this.statusOf(name)
        const seen = JSON.stringify({ rollout, conditions: conditions?.filter(({ status }) => status !== 'True') })
        throw new Error(`AuthService ${name} is not ${state} after ${timeoutSeconds} s. Its status: ${seen}`)
      }
      await this.#nextStatus(left)
    }
  }

  async #nextStatus(maxMilliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.onChange(resolve)
    try {
      await withDeadline(maxMilliseconds, promise)
    } finally {
      stop()
    }
  }
}

export function isReady({ conditions = [] }: AuthServiceStatus): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}
