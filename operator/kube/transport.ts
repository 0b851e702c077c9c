import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { finished } from 'node:stream/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { KubeError } from './errors.ts'

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  contentType?: string
  /** Besides those that every request has, or instead of them. */
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Until the answer begins. */
  timeoutMilliseconds?: number
}

/** Told about every request that was answered or failed. `code` is the HTTP status, or `<error>`. */
export type RequestObserver = (method: string, code: string, seconds: number, path: string) => void

const defaultTimeoutMilliseconds = 30_000

/** Credentials are asked for again after so long: they come from files, or from a program that keeps them itself. */
const credentialsMilliseconds = 1_000

/** All requests go to one server: by its default, Node makes a name of the server and all its certificates each time. */
class ServerAgent extends Agent {
  override getName(): string {
    return 'kube-apiserver'
  }
}

/**
 * Requests to the API server over connections that stay open. @kubernetes/client-node reads the configuration and
 * authenticates; its own requests open a connection, with a TLS handshake, each time.
 */
export class Transport {
  readonly #config: KubeConfig
  readonly #server: URL
  readonly #userAgent: string
  readonly #observe: RequestObserver
  #agent: RequestOptions['agent']
  #credentials: { options: Promise<RequestOptions>; askedAt: number } | undefined

  /** @throws when the configuration names no cluster */
  constructor(config: KubeConfig, userAgent: string, observe: RequestObserver = () => {}) {
    const server = config.getCurrentCluster()?.server
    if (server === undefined)
      throw new Error('the kubeconfig names no cluster: check KUBECONFIG and its current-context')
    this.#config = config
    this.#server = new URL(server)
    this.#userAgent = userAgent
    this.#observe = observe
  }

  get serverUrl(): string {
    return this.#server.href
  }

  /**
   * A connection that was idle may have been closed by the server just when it was taken up again: then the request is
   * made once more on another one, as Go's client does. POST and PUT are not, for they may have been carried out.
   * @returns the answer, unread
   * @throws KubeError for a status of 400 and more; Error when no answer comes
   */
  async open(request: KubeRequest): Promise<IncomingMessage> {
    const started = performance.now()
    try {
      const answer = await this.#send(request)
      this.#observe(request.method, String(answer.statusCode), (performance.now() - started) / 1000, request.path)
      if ((answer.statusCode ?? 500) < 400) return answer
      const text = await readText(answer)
      const retryAfter = answer.headers['retry-after']
      throw KubeError.from(answer.statusCode ?? 500, text, retryAfter, `${request.method} ${request.path}`)
    } catch (error) {
      if (!(error instanceof KubeError)) {
        this.#observe(request.method, '<error>', (performance.now() - started) / 1000, request.path)
      }
      throw error
    }
  }

  /** @returns the answer's JSON: its shape is the caller's promise, the API server checked it */
  async json<Answer>(request: KubeRequest): Promise<Answer> {
    return JSON.parse(await readText(await this.open(request)))
  }

  /** For a request whose answer tells nothing new: it is read to its end, so that the connection is free, and dropped. */
  async send(request: KubeRequest): Promise<void> {
    const answer = await this.open(request)
    await finished(answer.resume())
  }

  close(): void {
    if (this.#agent instanceof Agent) this.#agent.destroy()
  }

  async #send(request: KubeRequest): Promise<IncomingMessage> {
    const first = await this.#begin(request)
    try {
      return await first.answer
    } catch (error) {
      const isStale =
        first.outgoing.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
      if (!isStale || request.method === 'POST' || request.method === 'PUT') throw error
      return (await this.#begin(request)).answer
    }
  }

  async #begin({
    method,
    path,
    query,
    body,
    contentType,
    headers,
    signal,
    timeoutMilliseconds,
  }: KubeRequest): Promise<{ outgoing: ClientRequest; answer: Promise<IncomingMessage> }> {
    const options = await this.#options()
    const url = new URL(`${this.#server.pathname.replace(/\/$/, '')}${path}`, this.#server)
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const text = body === undefined ? undefined : JSON.stringify(body)
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest
    const outgoing = send(url, {
      ...options,
      method,
      ...(signal !== undefined && { signal }),
      headers: {
        ...options.headers,
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...(text !== undefined && {
          'content-type': contentType ?? 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
        ...headers,
      },
    })
    outgoing.end(text)
    const answer = answerOf(outgoing, timeoutMilliseconds ?? defaultTimeoutMilliseconds, `${method} ${path}`)
    return { outgoing, answer }
  }

  /** What every request has in common. Credentials are asked for again and again, because they are renewed. */
  #options(): Promise<RequestOptions> {
    const now = performance.now()
    if (this.#credentials === undefined || now - this.#credentials.askedAt > credentialsMilliseconds) {
      const options = this.#ask()
      // One that failed is not remembered.
      options.catch(() => {
        this.#credentials = undefined
      })
      this.#credentials = { options, askedAt: now }
    }
    return this.#credentials.options
  }

  async #ask(): Promise<RequestOptions> {
    const options: RequestOptions = {}
    await this.#config.applyToHTTPSOptions(options)
    const { agent, ca, cert, key, rejectUnauthorized, servername, ...rest } = options
    if (this.#server.protocol === 'http:') return { ...rest, agent: undefined }
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

function answerOf(outgoing: ClientRequest, timeoutMilliseconds: number, name: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`${name}: no answer after ${timeoutMilliseconds / 1000} s`)),
      timeoutMilliseconds,
    )
    outgoing.once('response', (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    outgoing.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}

/** The whole body of an answer. */
export async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
