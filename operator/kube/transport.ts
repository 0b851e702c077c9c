import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { KubeError, RequestCanceledError } from './errors.ts'
import { ServerConnection } from './server-connection.ts'
import { orAborted } from './wait.ts'

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  contentType?: string
  /** In addition to the headers that every request has, or instead of them. */
  headers?: Record<string, string>
  /** Ends the request at any time until its response is read: it rejects with RequestCanceledError. */
  signal?: AbortSignal | undefined
  /** Time until the response begins. */
  timeoutMilliseconds?: number
}

/** Called for every request that was answered or failed. `code` is the HTTP status, or `<error>`. */
export type RequestObserver = (method: string, code: string, seconds: number, path: string) => void

const defaultTimeoutMilliseconds = 30_000
/** If a body makes no progress for this time, the request fails: the server, or a proxy in between, is dead. */
const bodyIdleMilliseconds = 30_000

/**
 * Requests to the API server over connections that stay open. @kubernetes/client-node reads the kubeconfig and
 * authenticates; its own requests each open a connection with a TLS handshake.
 */
export class Transport {
  readonly #connection: ServerConnection
  readonly #userAgent: string
  readonly #observe: RequestObserver
  readonly #bodyIdleMilliseconds: number

  /** @throws if the kubeconfig names no cluster */
  constructor(
    config: KubeConfig,
    userAgent: string,
    observe: RequestObserver = () => {},
    options: { bodyIdleMilliseconds?: number } = {},
  ) {
    this.#connection = new ServerConnection(config)
    this.#userAgent = userAgent
    this.#observe = observe
    this.#bodyIdleMilliseconds = options.bodyIdleMilliseconds ?? bodyIdleMilliseconds
  }

  get serverUrl(): string {
    return this.#connection.url.href
  }

  /**
   * The server may close an idle connection just when it is used again. The request is then repeated once on another
   * connection, as Go's client does. POST and PUT are not repeated, because the server may have processed them.
   * @returns the response, unread
   * @throws KubeError for a status of 400 and above; RequestCanceledError; Error if there is no response
   */
  async open(request: KubeRequest): Promise<IncomingMessage> {
    const started = performance.now()
    try {
      const answer = await this.#send(request)
      this.#observe(request.method, String(answer.statusCode), (performance.now() - started) / 1000, request.path)
      if ((answer.statusCode ?? 500) < 400) return answer
      const text = await this.text(answer, request)
      const retryAfter = answer.headers['retry-after']
      throw KubeError.from(answer.statusCode ?? 500, text, retryAfter, nameOf(request))
    } catch (error) {
      if (!(error instanceof KubeError)) {
        this.#observe(request.method, '<error>', (performance.now() - started) / 1000, request.path)
      }
      throw canceledOr(error, request)
    }
  }

  /** @returns the JSON of the response: the caller declares its shape, which the API server has checked */
  async json<Answer>(request: KubeRequest): Promise<Answer> {
    return JSON.parse(await this.text(await this.open(request), request))
  }

  /** @returns the body of the response as it arrives @throws RequestCanceledError; Error if it stops midway */
  async *body(request: KubeRequest): AsyncGenerator<Buffer> {
    yield* this.#bodyOf(await this.open(request), request)
  }

  /**
   * For a request whose response is not needed: it is read to its end, so that the connection becomes free, and
   * dropped.
   */
  async send(request: KubeRequest): Promise<void> {
    const body = this.body(request)
    while ((await body.next()).done !== true);
  }

  /** @returns the complete body of the response to a request */
  async text(answer: IncomingMessage, request: KubeRequest): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of this.#bodyOf(answer, request)) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }

  /** The body of a response, while it makes progress. */
  async *#bodyOf(answer: IncomingMessage, request: KubeRequest): AsyncGenerator<Buffer> {
    const milliseconds = this.#bodyIdleMilliseconds
    const end = () => {
      const what = `the response stopped midway: nothing was received for ${milliseconds / 1000} s`
      answer.destroy(new Error(`${nameOf(request)}: ${what}`))
    }
    const timer = setTimeout(end, milliseconds)
    try {
      for await (const chunk of answer) {
        timer.refresh()
        yield chunk
      }
    } catch (error) {
      throw canceledOr(error, request)
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    this.#connection.close()
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
    const options = await orAborted(this.#connection.options(), signal)
    const server = this.#connection.url
    const url = new URL(`${server.pathname.replace(/\/$/, '')}${path}`, server)
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

function nameOf({ method, path }: KubeRequest): string {
  return `${method} ${path}`
}

/** The error, unless it is a consequence of the signal. */
function canceledOr(error: unknown, request: KubeRequest): unknown {
  const isCanceled = request.signal?.aborted === true && !(error instanceof KubeError)
  return isCanceled ? new RequestCanceledError(nameOf(request), request.signal?.reason) : error
}
