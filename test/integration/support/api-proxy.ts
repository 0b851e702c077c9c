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

/** A request that has passed the proxy. */
export interface SeenRequest {
  method: string
  /** The path with its query. */
  path: string
  /** Milliseconds of the local monotonic clock. */
  at: number
  /** Whether the proxy has forwarded it. */
  isPassedOn: boolean
}

/** The effect on a request. Undefined forwards it. */
export type Fault =
  | { kind: 'answer'; status: number; retryAfterSeconds?: number }
  /** Closes the connection before the API server receives the request. */
  | { kind: 'cut' }
  /** Closes the connection after the API server has executed the request. Calls `first` before that. */
  | { kind: 'cutAfterwards'; first?: () => void }
  | { kind: 'delay'; milliseconds: number }
  /** The API server executes the request; its answer is delayed. */
  | { kind: 'answerLate'; after: Promise<void> }
  /** The API server executes the request; half of its answer is sent, and the connection stays open. */
  | { kind: 'stopInTheMiddle' }
  /** An empty answer, which ends a watch. */
  | { kind: 'empty' }
  /** No answer; the connection stays open. */
  | { kind: 'hang' }

const passedOn = new Set<Fault['kind']>(['delay', 'answerLate', 'cutAfterwards', 'stopInTheMiddle'])

const reasons: Record<number, string> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

/** A proxy in front of an API server that injects faults. Its clients use plain HTTP. */
export class ApiProxy {
  readonly requests: SeenRequest[] = []
  /** Requests that the API server has answered with 403. */
  readonly refusals: string[] = []
  /** The number of answers that were delayed. */
  lateAnswers = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Stops the events of each open watch. */
  readonly #silences = new Set<() => void>()
  /** Watches that were requested until then receive no events. */
  #silentUntil = 0
  #fault: (request: SeenRequest) => Fault | undefined = () => undefined

  private constructor(target: number) {
    this.#server = createServer((incoming, response) => void this.#handle(target, incoming, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async inFrontOf(port: number): Promise<ApiProxy> {
    const proxy = new ApiProxy(port)
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening))
    return proxy
  }

  /** The kubeconfig with the address of the proxy. */
  configFrom(kubeconfigPath: string): KubeConfig {
    const config = new KubeConfig()
    config.loadFromFile(kubeconfigPath)
    // A server on a TCP port has an address of this type.
    const { port } = this.#server.address() as AddressInfo
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: `http://127.0.0.1:${port}` }))
    return config
  }

  /** Decides about every request from now on. */
  set fault(fault: (request: SeenRequest) => Fault | undefined) {
    this.#fault = fault
  }

  heal(): void {
    this.#fault = () => undefined
  }

  /** Closes every connection, watches included. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Stops the events of all open watches. Their connections stay open. */
  silenceWatches(): void {
    this.#silentUntil = performance.now()
    for (const silence of this.#silences) silence()
  }

  /** Requests that are not reads. */
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
          (answer) => {
            this.lateAnswers++
            void fault.after.then(() => this.#pass(seen, answer, response))
          },
          response,
        )
      case 'stopInTheMiddle':
        return forward(target, incoming, (answer) => passHalf(answer, response), response)
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
    response.flushHeaders() // a watch may have no event yet
    answer.on('error', () => response.destroy())
    answer.pipe(response)
    if (!isWatch(seen)) return
    const silence = () => void answer.unpipe(response).resume()
    if (seen.at <= this.#silentUntil) silence()
    else this.#silences.add(silence)
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
  // The API server has created its own certificate.
  const options = { host: '127.0.0.1', port, method, path: url, headers, rejectUnauthorized: false }
  const outgoing: ReturnType<typeof httpRequest> = httpsRequest(options, onAnswer)
  outgoing.on('error', () => incoming.socket.destroy())
  response.on('close', () => outgoing.destroy())
  incoming.pipe(outgoing)
}

function passHalf(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers)
  answer.once('data', (chunk: Buffer) => response.write(chunk.subarray(0, chunk.length / 2)))
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
    message: 'a fault of this test',
  }
  response.writeHead(status, headers).end(JSON.stringify(body))
}
