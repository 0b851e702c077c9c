import {
  createServer,
  type request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'

/** A request that came through. */
export interface SeenRequest {
  method: string
  /** With the query. */
  path: string
  /** Milliseconds of the local monotonic clock. */
  at: number
  /** Whether the API server got to see it. */
  isPassedOn: boolean
}

/** What becomes of a request instead of an answer of the API server. undefined: it goes through. */
export type Fault =
  | { kind: 'answer'; status: number; retryAfterSeconds?: number }
  /** The connection ends, before the API server has seen the request. */
  | { kind: 'cut' }
  /** The connection ends after the API server has carried the request out; `first` comes before that. */
  | { kind: 'cutAfterwards'; first?: () => void }
  | { kind: 'delay'; milliseconds: number }
  /** The API server carries the request out, and its answer comes later. */
  | { kind: 'answerLate'; after: Promise<void> }
  /** An answer without content: of a watch, its end. */
  | { kind: 'empty' }
  /** Nothing comes, and the connection stays. */
  | { kind: 'hang' }

const passedOn = new Set<Fault['kind']>(['delay', 'answerLate', 'cutAfterwards'])

const reasons: Record<number, string> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

/** An API server that misbehaves as a test wants it to, in front of a real one. It speaks plain HTTP to its clients. */
export class FaultyApi {
  readonly requests: SeenRequest[] = []
  /** Requests that the API server forbade. */
  readonly refusals: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What makes each open watch silent. */
  readonly #silences = new Set<() => void>()
  #fault: (request: SeenRequest) => Fault | undefined = () => undefined

  private constructor(target: number) {
    this.#server = createServer((incoming, response) => void this.#handle(target, incoming, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async inFrontOf(port: number): Promise<FaultyApi> {
    const proxy = new FaultyApi(port)
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening))
    return proxy
  }

  /** The kubeconfig with this server instead of the real one. */
  configFrom(kubeconfigPath: string): KubeConfig {
    const config = new KubeConfig()
    config.loadFromFile(kubeconfigPath)
    // A server that listens on TCP has an AddressInfo.
    const { port } = this.#server.address() as AddressInfo
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: `http://127.0.0.1:${port}` }))
    return config
  }

  /** From now on this decides about every request. */
  set fault(fault: (request: SeenRequest) => Fault | undefined) {
    this.#fault = fault
  }

  heal(): void {
    this.#fault = () => undefined
  }

  /** Ends every connection, watches above all. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nothing more comes over the watches that are open; their connections stay. */
  silenceWatches(): void {
    for (const silence of this.#silences) silence()
  }

  /** Requests that change something. */
  get writes(): SeenRequest[] {
    return this.requests.filter(isWrite)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((closed) => this.#server.close(closed))
  }

  async #handle(target: number, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = { method: incoming.method ?? '', path: incoming.url ?? '', at: performance.now(), isPassedOn: false }
    this.requests.push(seen)
    const fault = this.#fault(seen)
    seen.isPassedOn = fault === undefined || passedOn.has(fault.kind)
    switch (fault?.kind) {
      case undefined:
        return forward(target, incoming, (answer) => this.#pass(seen, answer, response), response)
      case 'cutAfterwards':
        return forward(
          target,
          incoming,
          () => {
            fault.first?.()
            incoming.socket.destroy()
          },
          response,
        )
      case 'delay':
        setTimeout(
          () => forward(target, incoming, (answer) => this.#pass(seen, answer, response), response),
          fault.milliseconds,
        )
        return
      case 'answerLate':
        return forward(
          target,
          incoming,
          (answer) => void fault.after.then(() => this.#pass(seen, answer, response)),
          response,
        )
      case 'cut':
        incoming.socket.destroy()
        return
      case 'empty':
        response.writeHead(200).end()
        return
      case 'hang':
        return
      case 'answer':
        refuse(response, fault)
    }
  }

  #pass(seen: SeenRequest, answer: IncomingMessage, response: ServerResponse): void {
    if (answer.statusCode === 403) this.refusals.push(`${seen.method} ${seen.path}`)
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders() // of a watch that has nothing to say yet
    answer.on('error', () => response.destroy())
    answer.pipe(response)
    if (!isWatch(seen)) return
    const silence = () => void answer.unpipe(response).resume()
    this.#silences.add(silence)
    response.on('close', () => this.#silences.delete(silence))
  }
}

export function isWrite({ method }: SeenRequest): boolean {
  return method !== 'GET'
}

export function isWatch({ path }: SeenRequest): boolean {
  return path.includes('watch=true')
}

function forward(
  port: number,
  incoming: IncomingMessage,
  onAnswer: (answer: IncomingMessage) => void,
  response: ServerResponse,
): void {
  const { method, url, headers } = incoming
  // Its certificate is its own, made a moment ago on this machine.
  const options = { host: '127.0.0.1', port, method, path: url, headers, rejectUnauthorized: false }
  const outgoing: ReturnType<typeof httpRequest> = httpsRequest(options, onAnswer)
  outgoing.on('error', () => incoming.socket.destroy())
  response.on('close', () => outgoing.destroy())
  incoming.pipe(outgoing)
}

function refuse(response: ServerResponse, { status, retryAfterSeconds }: Extract<Fault, { kind: 'answer' }>): void {
  const headers = {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  }
  const body = {
    kind: 'Status',
    status: 'Failure',
    code: status,
    reason: reasons[status],
    message: 'a test wants this',
  }
  response.writeHead(status, headers).end(JSON.stringify(body))
}
