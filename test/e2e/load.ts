import type { EdgeClient, EdgeResponse } from '../../tools/cluster-client/edge-client.ts'
import type { WalkThrough } from '../../tools/cluster-client/walk-through.ts'

const clients = 4
/** The pause between two requests of a client, so that a small machine has CPU time left for the cluster. */
const pauseMilliseconds = 50
const mostRequests = 50_000

/** Sends verifications, and a login now and then, of one user until `stop`. All of them should succeed. */
export class Load {
  requests = 0
  readonly failures: string[] = []
  readonly #stopping = new AbortController()
  readonly #clients: Promise<void>[]

  private constructor(edge: EdgeClient, user: WalkThrough) {
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run(edge, user, index))
  }

  static start(edge: EdgeClient, user: WalkThrough): Load {
    return new Load(edge, user)
  }

  async stop(): Promise<{ requests: number; failures: string[] }> {
    this.#stopping.abort()
    await Promise.all(this.#clients)
    return { requests: this.requests, failures: this.failures }
  }

  async #run(edge: EdgeClient, { email, password, accessToken }: WalkThrough, index: number): Promise<void> {
    for (let turn = 0; !this.#stopping.signal.aborted && this.requests < mostRequests; turn++) {
      const isLogin = index === 0 && turn % 10 === 0
      const call = isLogin
        ? edge.call('POST', '/v1/auth/login', { json: { email, password } })
        : edge.call('GET', '/v1/auth/verify', { bearer: accessToken })
      const failure = await call.then(
        (answer) => (answer.status === 200 ? undefined : describe(answer)),
        (error: unknown) => String(error),
      )
      this.requests++
      if (failure !== undefined)
        this.failures.push(`${new Date().toISOString()} ${isLogin ? 'login' : 'verify'}: ${failure}`)
      await new Promise((next) => setTimeout(next, pauseMilliseconds))
    }
  }
}

/** Includes the fault of a bad version, if one answered: see tools/bad-versions. */
function describe({ status, headers, body }: EdgeResponse): string {
  const fault = headers['x-bad-version']
  return `${status}${fault === undefined ? '' : ` by ${fault}`} ${JSON.stringify(body)}`
}
