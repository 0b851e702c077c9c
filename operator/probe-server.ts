import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** Whether the process is healthy: undefined if it is, otherwise a sentence with the reason. */
type Probe = () => string | undefined

/** The state that the operator reports about itself. */
export interface Probes {
  registry: Registry
  /** If this fails, the kubelet restarts the process. */
  live: Probe
  /** If this fails, the process continues to run, but is not ready. */
  ready: Probe
}

interface Answer {
  status: number
  type: string
  body: string
}

/** Serves `/metrics` for Prometheus, and `/healthz` and `/readyz` for the kubelet. */
export class ProbeServer {
  readonly #server: Server

  constructor({ registry, live, ready }: Probes) {
    const probe = (check: Probe) => async (): Promise<Answer> => {
      const problem = check()
      return { status: problem === undefined ? 200 : 503, type: 'text/plain', body: `${problem ?? 'ok'}\n` }
    }
    const routes = new Map<string, () => Promise<Answer>>([
      ['/healthz', probe(live)],
      ['/readyz', probe(ready)],
      ['/metrics', async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() })],
    ])
    this.#server = createServer(async (request, response) => {
      const route = routes.get(request.url ?? '')
      const { status, type, body } = (await route?.()) ?? { status: 404, type: 'text/plain', body: 'not found\n' }
      response.writeHead(status, { 'content-type': type }).end(body)
    })
  }

  /**
   * @param port 0 for any free port
   * @returns the port that it listens on
   * @throws if the port is taken
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, resolve)
    })
    // A server that listens on TCP has an AddressInfo; a string would be the name of a pipe.
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
