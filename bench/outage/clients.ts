import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type EdgeAddress, EdgeClient } from '../../tools/cluster-client/edge-client.ts'
import { issuedTokens } from '../issued-tokens.ts'
import { type Answer, type Connection, http1, http2, pool } from '../rollouts/connections.ts'

/** The answers during one outage. `verify` counts verifications and reads of the JWKS document. */
export interface OutageCounts {
  verify_requests: number
  verify_failed: number
  /** 503 `revocation_unknown`, as documented for servers that have reached neither MongoDB nor Redis for 30 s. */
  verify_refused: number
  login_200: number
  /** With Retry-After, within a second. */
  login_503: number
  login_other: number
  /** The latency of the slowest 503 to a login. */
  login_503_slowest_ms: number
}

const maxLoginMilliseconds = 1_000
/** The number of failures that are printed. */
const maxExamples = 20

const noRequests: OutageCounts = {
  verify_requests: 0,
  verify_failed: 0,
  verify_refused: 0,
  login_200: 0,
  login_503: 0,
  login_other: 0,
  login_503_slowest_ms: 0,
}

/** Clients of one AuthService. They send each request when it is due, even if earlier responses are still missing. */
export class Clients {
  readonly #address: EdgeAddress
  readonly #edge: EdgeClient
  readonly #longLived: Connection
  readonly #http2: Connection
  readonly #user: { email: string; password: string }
  readonly #token: string
  readonly #timers: NodeJS.Timeout[] = []
  readonly #outstanding = new Set<Promise<void>>()
  #counts = { ...noRequests }
  #examples: string[] = []
  #mayRefuse = false
  #lastLogin = 0

  private constructor(
    address: EdgeAddress,
    edge: EdgeClient,
    user: { email: string; password: string },
    token: string,
  ) {
    this.#address = address
    this.#edge = edge
    this.#user = user
    this.#token = token
    this.#longLived = pool(8, () => http1(address))
    this.#http2 = http2(address)
  }

  /** Registers two users and logs one of them in. @throws when the login fails */
  static async open(address: EdgeAddress): Promise<Clients> {
    const edge = new EdgeClient(address)
    const user = {
      email: `outage-${randomBytes(4).toString('hex')}@example.com`,
      password: randomBytes(18).toString('base64url'),
    }
    // The number of sessions per user is limited, so logins every second end old ones. Tokens belong to a second user.
    const verified = { ...user, email: `verified-${user.email}` }
    for (const each of [user, verified])
      await edge.call('POST', '/v1/auth/register', { json: { ...each, name: 'Outage' } })
    const login = await edge.call('POST', '/v1/auth/login', { json: verified })
    const issued = issuedTokens(login.body)
    if (issued === undefined) throw new Error(`the login answered ${login.status}: ${JSON.stringify(login.body)}`)
    return new Clients(address, edge, user, issued.accessToken)
  }

  /** Sends requests at these rates per second. A third of the verifications read the JWKS document instead. */
  start(rates: { verify: number; login: number }): void {
    let count = 0
    this.#every(rates.verify, () => {
      count++
      const isKeys = count % 3 === 0
      if (count % 10 < 3) return this.#withNewConnection(isKeys)
      return this.#verify(count % 10 < 5 ? this.#http2 : this.#longLived, isKeys)
    })
    this.#every(rates.login, () => this.#logIn())
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#outstanding)
    await Promise.all([this.#longLived.close(), this.#http2.close(), this.#edge.close()])
  }

  /** @param mayRefuse whether servers may refuse tokens because they cannot learn of revocations */
  startCounting({ mayRefuse }: { mayRefuse: boolean }): void {
    this.#counts = { ...noRequests }
    this.#examples = []
    this.#mayRefuse = mayRefuse
  }

  counts(): OutageCounts & { examples: readonly string[] } {
    return { ...this.#counts, examples: this.#examples }
  }

  /** Waits until a login succeeds that was sent after this call. @throws at the deadline */
  async waitForLogin(maxSeconds: number): Promise<void> {
    const since = performance.now()
    while (this.#lastLogin < since) {
      if (performance.now() - since > maxSeconds * 1000) throw new Error(`no login succeeded within ${maxSeconds} s`)
      await setTimeout(50)
    }
  }

  #every(perSecond: number, send: () => Promise<void>): void {
    const started = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      // After waiting for a CPU, the process sends the requests that became due in the meantime.
      const due = ((performance.now() - started) / 1000) * perSecond
      // It sends at most those of one second: more would overload a busy machine further.
      for (sent = Math.max(sent, due - perSecond); sent < due; sent++) {
        const request = send().finally(() => this.#outstanding.delete(request))
        this.#outstanding.add(request)
      }
    }, 1000 / perSecond)
    this.#timers.push(timer)
  }

  async #withNewConnection(isKeys: boolean): Promise<void> {
    const connection = http1(this.#address)
    await this.#verify(connection, isKeys)
    await connection.close()
  }

  async #verify(connection: Connection, isKeys: boolean): Promise<void> {
    const path = isKeys ? '/.well-known/jwks.json' : '/v1/auth/verify'
    const headers = isKeys ? {} : { authorization: `Bearer ${this.#token}` }
    this.#counts.verify_requests++
    const answer = await connection
      .send({ method: 'GET', path, headers, body: null })
      .catch((error: unknown): Answer => ({ status: 0, text: String(error), badVersion: undefined }))
    if (answer.status === 200) return
    if (this.#mayRefuse && !isKeys && answer.text.includes('"revocation_unknown"')) {
      this.#counts.verify_refused++
      return
    }
    this.#counts.verify_failed++
    this.#addExample(`${path} answered ${answer.status}: ${answer.text.slice(0, 200)}`)
  }

  async #logIn(): Promise<void> {
    const sent = performance.now()
    const { status, headers, body } = await this.#edge
      .call('POST', '/v1/auth/login', { json: this.#user })
      .catch((error: unknown) => ({ status: 0, headers: {}, body: String(error) }))
    const milliseconds = Math.round(performance.now() - sent)
    if (status === 200) {
      this.#counts.login_200++
      this.#lastLogin = sent
      return
    }
    const isAsDocumented = status === 503 && 'retry-after' in headers && milliseconds <= maxLoginMilliseconds
    if (isAsDocumented) {
      this.#counts.login_503++
      this.#counts.login_503_slowest_ms = Math.max(this.#counts.login_503_slowest_ms, milliseconds)
      return
    }
    this.#counts.login_other++
    this.#addExample(`a login answered ${status} after ${milliseconds} ms: ${JSON.stringify(body).slice(0, 200)}`)
  }

  #addExample(text: string): void {
    if (this.#examples.length < maxExamples) this.#examples.push(`${new Date().toISOString()} ${text}`)
  }
}
