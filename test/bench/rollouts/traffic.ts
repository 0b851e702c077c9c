import { randomBytes } from 'node:crypto'
import type { EdgeAddress } from '../../../scripts/demo/edge-client.ts'
import { type Call, type Connection, http1, http1Pool, http2 } from './connections.ts'
import type { Control } from './control.ts'
import { type Ending, judge, type RequestKind } from './judge.ts'
import type { Session, Sessions } from './sessions.ts'
import { Tally } from './tally.ts'

/** Requests per second of each kind: verifications by how they are connected. */
export interface Rates {
  longLived: number
  http2: number
  newConnection: number
  refresh: number
  login: number
}

/** What two cores hold beside a whole cluster, with room for the pods that start meanwhile. */
export const defaultRates: Rates = { longLived: 25, http2: 8, newConnection: 4, refresh: 4, login: 1 }

const longLivedConnections = 8
/** Of those who log in and refresh: others than those who verify, whose requests never wait for a password hash. */
const connectionsForTokens = 4
/** Of a whole run. */
const mostRequests = 200_000

/**
 * Clients of an AuthService who never pause: what is due is sent, however long earlier answers take, and every time is
 * counted from when a request was due. Bounded in number.
 */
export class Traffic {
  /** Where requests are counted that are due from now on. */
  tally = new Tally()
  /** A version that is known to refuse every log-in may have traffic. */
  isBadVersionOut = false
  readonly #sessions: Sessions
  readonly #address: EdgeAddress
  readonly #during: () => string
  readonly #control: Control | undefined
  readonly #longLived: Connection
  readonly #forTokens: Connection
  readonly #http2: Connection
  readonly #timers: NodeJS.Timeout[] = []
  readonly #outstanding = new Set<Promise<void>>()
  #count = 0

  /**
   * @param during where the rollout is, for the record of a failure
   * @param control is asked as often as there are verifications on long-lived connections; undefined: nobody measures
   */
  constructor(address: EdgeAddress, sessions: Sessions, during: () => string, control?: Control) {
    this.#address = address
    this.#control = control
    this.#sessions = sessions
    this.#during = during
    this.#longLived = http1Pool(address, longLivedConnections)
    this.#forTokens = http1Pool(address, connectionsForTokens)
    this.#http2 = http2(address)
  }

  start(rates: Rates): void {
    this.#every(rates.longLived, (due) => this.#verify(due, this.#longLived, 'long-lived connection'))
    const control = this.#control
    if (control !== undefined) this.#every(rates.longLived, (due) => this.#askControl(due, control))
    this.#every(rates.http2, (due) => this.#verify(due, this.#http2, 'HTTP/2 connection'))
    this.#every(rates.newConnection, (due) => {
      const client = http1(this.#address)
      this.#verify(due, client, 'new connection', () => client.close())
    })
    this.#every(rates.refresh, (due) => this.#refresh(due))
    this.#every(rates.login, (due) => this.#login(due))
  }

  /** Resolves when what was sent until now is answered: answers that come late belong to what made them late. */
  async answered(): Promise<void> {
    await Promise.all(this.#outstanding)
  }

  /** Ends once what was sent is answered. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#outstanding)
    await Promise.all([this.#longLived, this.#forTokens, this.#http2].map((client) => client.close()))
  }

  #verify(due: number, client: Connection, connection: string, then: () => Promise<void> = async () => {}): void {
    const bearer = this.#sessions.anyToken()
    this.#send('verify', connection, due, client, { method: 'GET', path: '/v1/auth/verify', bearer }, then)
  }

  #askControl(due: number, control: Control): void {
    const { tally } = this
    this.#track(control.ask().then(() => tally.addControl(performance.now() - due)))
  }

  #refresh(due: number): void {
    const session = this.#sessions.takeForRefresh()
    // All are being refreshed right now: each of them waits, and is counted by its own time.
    if (session === undefined) return
    const json = { refresh_token: session.refreshToken }
    this.#sendForTokens('refresh', due, session, { path: '/v1/auth/refresh', json })
  }

  #login(due: number): void {
    const session = this.#sessions.nextUser()
    const { email, password } = session
    this.#sendForTokens('login', due, undefined, { path: '/v1/auth/login', json: { email, password } })
  }

  #sendForTokens(kind: 'refresh' | 'login', due: number, session: Session | undefined, request: Ask): void {
    const then = async (body: unknown) => this.#sessions.put(session, body)
    this.#send(kind, 'long-lived connection', due, this.#forTokens, { ...request, method: 'POST' }, then)
  }

  #send(
    kind: RequestKind,
    connection: string,
    due: number,
    client: Connection,
    { method = 'GET', path, json, bearer }: Ask,
    then: (body: unknown) => Promise<void>,
  ): void {
    if (this.#count >= mostRequests) return
    const { tally } = this
    const requestId = `bench-${this.#count++}-${randomBytes(4).toString('hex')}`
    const headers = {
      'x-request-id': requestId,
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    }
    const body = json === undefined ? null : JSON.stringify(json)
    const at = new Date(performance.timeOrigin + due).toISOString()
    const sentAfter = performance.now() - due
    const sending = endingOf(client, { method, path, headers, body }).then(async ({ ending, answer }) => {
      const milliseconds = performance.now() - due
      const judgement = judge(kind, ending, this.isBadVersionOut)
      tally.add(judgement, { at, kind, connection, milliseconds, sentAfter, requestId, during: this.#during() })
      await then(answer)
    })
    this.#track(sending)
  }

  #track(sending: Promise<void>): void {
    this.#outstanding.add(sending)
    void sending.finally(() => this.#outstanding.delete(sending))
  }

  #every(ratePerSecond: number, fire: (due: number) => void): void {
    if (ratePerSecond === 0) return
    const interval = 1000 / ratePerSecond
    let due = performance.now() + Math.random() * interval
    const catchUp = () => {
      for (const now = performance.now(); due <= now; due += interval) fire(due)
    }
    this.#timers.push(setInterval(catchUp, Math.min(10, interval)))
  }
}

interface Ask {
  method?: 'GET' | 'POST'
  path: string
  json?: object
  bearer?: string
}

async function endingOf(client: Connection, call: Call): Promise<{ ending: Ending; answer?: unknown }> {
  try {
    const { status, badVersion, text } = await client.send(call)
    const answer: unknown = text.startsWith('{') ? JSON.parse(text) : undefined
    return { ending: { status, code: stringField(answer, 'code'), badVersion }, answer }
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string } // neither of the clients throws anything else
    return { ending: { error: `${code ?? name}: ${message}` } }
  }
}

function stringField(object: unknown, field: string): string | undefined {
  const value: unknown = typeof object === 'object' && object !== null ? Reflect.get(object, field) : undefined
  return typeof value === 'string' ? value : undefined
}
