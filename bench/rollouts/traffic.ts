import { randomBytes } from 'node:crypto'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'
import { type Call, type Connection, http1, http2, plainHttp1, pool } from './connections.ts'
import { type Ending, judge, type RequestKind } from './judge.ts'
import type { Session, Sessions } from './sessions.ts'
import { Tally } from './tally.ts'

/** Requests per second of each kind; verifications by the way clients connect. */
export interface Rates {
  longLived: number
  http2: number
  newConnection: number
  refresh: number
  login: number
}

/** Rates that two cores sustain in addition to a whole cluster and to pods that start. */
export const defaultRates: Rates = { longLived: 25, http2: 8, newConnection: 4, refresh: 4, login: 1 }

const longLivedConnections = 8
/** Logins and refreshes have connections of their own, so that no verification waits for a password hash. */
const tokenConnections = 4
/** Maximum number of requests in one run. */
const maxRequests = 200_000

interface TrafficOptions {
  address: EdgeAddress
  sessions: Sessions
  /** Describes the state of the rollout, for the record of a failure. */
  during: () => string
  /** Origin of a bare HTTP server, which gets as many requests as `longLived`. */
  control?: string
}

/**
 * Clients of an AuthService that send requests at constant rates. They send each request when it is due, even if
 * earlier responses are still missing, and its latency is measured from that time.
 */
export class Traffic {
  /** Counts the requests that are due from now on. */
  tally = new Tally()
  /** Whether a version that refuses every login may have traffic. */
  isBadVersionExpected = false
  readonly #sessions: Sessions
  readonly #address: EdgeAddress
  readonly #during: () => string
  readonly #control: Connection | undefined
  readonly #longLived: Connection
  readonly #forTokens: Connection
  readonly #http2: Connection
  readonly #timers: NodeJS.Timeout[] = []
  readonly #outstanding = new Set<Promise<void>>()
  #count = 0

  constructor({ address, sessions, during, control }: TrafficOptions) {
    this.#address = address
    this.#sessions = sessions
    this.#during = during
    this.#control = control === undefined ? undefined : pool(longLivedConnections, () => plainHttp1(control))
    this.#longLived = pool(longLivedConnections, () => http1(address))
    this.#forTokens = pool(tokenConnections, () => http1(address))
    this.#http2 = http2(address)
  }

  start(rates: Rates): void {
    this.#every(rates.longLived, (due) => this.#verify(due, this.#longLived, 'long-lived connection'))
    const control = this.#control
    if (control !== undefined) this.#every(rates.longLived, (due) => this.#callControl(due, control))
    this.#every(rates.http2, (due) => this.#verify(due, this.#http2, 'HTTP/2 connection'))
    this.#every(rates.newConnection, (due) => {
      const client = http1(this.#address)
      this.#verify(due, client, 'new connection', () => client.close())
    })
    this.#every(rates.refresh, (due) => this.#refresh(due))
    this.#every(rates.login, (due) => this.#logIn(due))
  }

  /** Resolves when the requests sent so far have ended. */
  async answered(): Promise<void> {
    await Promise.all(this.#outstanding)
  }

  /** Stops sending and resolves when the requests sent so far have ended. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.answered()
    const connections = [this.#longLived, this.#forTokens, this.#http2, this.#control]
    await Promise.all(connections.map((connection) => connection?.close()))
  }

  #verify(due: number, client: Connection, connection: string, then: () => Promise<void> = async () => {}): void {
    const bearer = this.#sessions.anyToken()
    this.#send('verify', connection, due, client, { method: 'GET', path: '/v1/auth/verify', bearer }, then)
  }

  #callControl(due: number, control: Connection): void {
    const { tally } = this
    const record = () => tally.addControl(performance.now() - due)
    this.#track(control.send({ method: 'GET', path: '/', headers: {}, body: null }).then(record, record))
  }

  #refresh(due: number): void {
    const session = this.#sessions.takeForRefresh()
    // Every session has a refresh under way, and each of these counts with its own latency.
    if (session === undefined) return
    const json = { refresh_token: session.refreshToken }
    this.#sendForTokens('refresh', due, session, { path: '/v1/auth/refresh', json })
  }

  #logIn(due: number): void {
    const { email, password } = this.#sessions.nextUser()
    this.#sendForTokens('login', due, undefined, { path: '/v1/auth/login', json: { email, password } })
  }

  #sendForTokens(kind: 'refresh' | 'login', due: number, session: Session | undefined, request: RequestInput): void {
    const then = async (body: unknown) => this.#sessions.put(session, body)
    this.#send(kind, 'long-lived connection', due, this.#forTokens, { ...request, method: 'POST' }, then)
  }

  #send(
    kind: RequestKind,
    connection: string,
    due: number,
    client: Connection,
    { method = 'GET', path, json, bearer }: RequestInput,
    then: (body: unknown) => Promise<void>,
  ): void {
    if (this.#count >= maxRequests) return
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
      const judgement = judge(kind, ending, this.isBadVersionExpected)
      tally.add(judgement, { at, kind, connection, milliseconds, sentAfter, requestId, during: this.#during() })
      await then(answer)
    })
    this.#track(sending)
  }

  #track(sending: Promise<void>): void {
    this.#outstanding.add(sending)
    void sending.finally(() => this.#outstanding.delete(sending))
  }

  #every(ratePerSecond: number, send: (due: number) => void): void {
    if (ratePerSecond === 0) return
    const interval = 1000 / ratePerSecond
    let due = performance.now() + Math.random() * interval
    const sendDue = () => {
      for (const now = performance.now(); due <= now; due += interval) send(due)
    }
    this.#timers.push(setInterval(sendDue, Math.min(10, interval)))
  }
}

interface RequestInput {
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
    const { name, message, code } = error as Error & { code?: string } // both clients reject with errors only
    return { ending: { error: `${code ?? name}: ${message}` } }
  }
}

function stringField(object: unknown, field: string): string | undefined {
  const value: unknown = typeof object === 'object' && object !== null ? Reflect.get(object, field) : undefined
  return typeof value === 'string' ? value : undefined
}
