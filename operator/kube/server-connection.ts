import { Agent, type RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'

/** Credentials are read again after this time: they come from files, or from a program that has its own cache. */
const credentialsMilliseconds = 1_000

/**
 * All requests go to one server. By default, Node would compute the name of its connection from all certificates for
 * each request.
 */
class ServerAgent extends Agent {
  override getName(): string {
    return 'kube-apiserver'
  }
}

/** The address of the API server, the credentials for it, and the connections to it, which stay open. */
export class ServerConnection {
  readonly url: URL
  readonly #config: KubeConfig
  #agent: RequestOptions['agent']
  #cached: { options: Promise<RequestOptions>; readAt: number } | undefined

  /** @throws if the kubeconfig names no cluster */
  constructor(config: KubeConfig) {
    const server = config.getCurrentCluster()?.server
    if (server === undefined)
      throw new Error('the kubeconfig names no cluster: check KUBECONFIG and its current-context')
    this.url = new URL(server)
    this.#config = config
  }

  /** The options that every request has in common. Credentials are read repeatedly, because they are renewed. */
  options(): Promise<RequestOptions> {
    const now = performance.now()
    if (this.#cached === undefined || now - this.#cached.readAt > credentialsMilliseconds) {
      const options = this.#readOptions()
      // A failed result is not cached.
      options.catch(() => {
        this.#cached = undefined
      })
      this.#cached = { options, readAt: now }
    }
    return this.#cached.options
  }

  /** Closes all connections. */
  close(): void {
    if (this.#agent instanceof Agent) this.#agent.destroy()
  }

  async #readOptions(): Promise<RequestOptions> {
    const options: RequestOptions = {}
    await this.#config.applyToHTTPSOptions(options)
    const { agent, ca, cert, key, rejectUnauthorized, servername, ...rest } = options
    if (this.url.protocol === 'http:') return { ...rest, agent: undefined }
    if (this.#config.getCurrentCluster()?.proxyUrl !== undefined) {
      this.#agent ??= agent
      return { ...options, agent: this.#agent }
    }
    this.#agent ??= new ServerAgent({
      keepAlive: true,
      keepAliveMsecs: 30_000,
      maxSockets: 64,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      ...(servername !== undefined && { servername }),
    })
    return { ...rest, agent: this.#agent }
  }
}
