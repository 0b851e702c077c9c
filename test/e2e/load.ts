import type { EdgeClient, EdgeResponse } from '../../scripts/demo/edge-client.ts'
import type { WalkThrough } from '../../scripts/demo/walk-through.ts'

const clients = 4
/** Between two requests of one client, so that a small machine has time for the cluster as well. */
const pauseMilliseconds = 50
const mostRequests = 50_000

/** Requests of one user that all have to succeed, until it is stopped: verifications, and a log-in now and then. */
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

/** With the fault of the version that gave it, when that is a bad one on purpose: see test/bad-versions. */
function describe({ status, headers, body }: EdgeResponse): string {
  const fault = headers['x-bad-version']
  return `${status}${fault === undefined ? '' : ` by ${fault}`} ${JSON.stringify(body)}`
}
