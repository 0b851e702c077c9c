import { Client } from 'undici'
import { startHello } from '../servers-under-load.ts'

/**
 * A bare server on this machine, outside of the cluster. How long its answers take shows what the machine does to any
 * answer while pods start on it: nodes of a kind cluster share its processors, those of other clusters do not.
 */
export class Control {
  readonly #server: Awaited<ReturnType<typeof startHello>>
  readonly #client: Client

  static async start(): Promise<Control> {
    return new Control(await startHello({ server: undefined, load: undefined }))
  }

  private constructor(server: Awaited<ReturnType<typeof startHello>>) {
    this.#server = server
    this.#client = new Client(server.origin, { pipelining: 1 })
  }

  /** Resolves when the answer is there. @throws when there is none, which no rollout explains */
  async ask(): Promise<void> {
    const { statusCode, body } = await this.#client.request({ method: 'GET', path: '/' })
    await body.dump()
    if (statusCode !== 200) throw new Error(`The control server answered ${statusCode}.`)
  }

  async stop(): Promise<void> {
    await this.#client.close()
    await this.#server.stop()
  }
}
