import { Agent, request } from 'undici'

/** The address of an edge, as this machine reaches it. */
export interface EdgeAddress {
  /** The host name in its certificate and in its Nginx configuration. */
  host: string
  /** The address to connect to. The host name need not resolve. */
  ip: string
  port: number
  /** PEM of the certificate authority that signed the edge's certificate. */
  ca: string
}

export interface EdgeResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The JSON body, or undefined for an empty one. */
  body: unknown
}

/** An HTTPS client of one edge. It verifies the edge's certificate against the given authority. */
export class EdgeClient {
  readonly url: string
  readonly #agent: Agent

  constructor({ host, ip, port, ca }: EdgeAddress) {
    this.url = `https://${host}:${port}`
    this.#agent = new Agent({
      connect: {
        ca,
        servername: host,
        timeout: 5_000,
        lookup: (_name, _options, found) => found(null, [{ address: ip, family: 4 }]),
      },
      headersTimeout: 15_000,
    })
  }

  /** @throws when no answer arrives: refused, reset, an invalid certificate, no answer for 15 s */
  async call(
    method: 'GET' | 'POST',
    path: string,
    options: { json?: unknown; bearer?: string; headers?: Record<string, string> } = {},
  ): Promise<EdgeResponse> {
    const { statusCode, headers, body } = await request(new URL(path, this.url), {
      method,
      dispatcher: this.#agent,
      headers: {
        ...options.headers,
        ...(options.json !== undefined && { 'content-type': 'application/json' }),
        ...(options.bearer !== undefined && { authorization: `Bearer ${options.bearer}` }),
      },
      ...(options.json !== undefined && { body: JSON.stringify(options.json) }),
    })
    const text = await body.text()
    return { status: statusCode, headers, body: text === '' ? undefined : parseJson(text) }
  }

  /**
   * `fetch` for libraries: every request goes to the edge, with the path of its URL. Redirects are not followed.
   * @throws as `call`
   */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const { method, url, headers, body } = new Request(input, init)
    const { host, pathname, search } = new URL(url)
    const answer = await request(new URL(pathname + search, this.url), {
      method: method as 'GET' | 'POST',
      dispatcher: this.#agent,
      headers: { ...Object.fromEntries(headers), host },
      ...(body !== null && { body: Buffer.from(await new Response(body).arrayBuffer()) }),
    })
    const all = new Headers()
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const one of [value].flat()) if (one !== undefined) all.append(name, one)
    }
    const text = await answer.body.text()
    const hasBody = answer.statusCode !== 204 && answer.statusCode !== 304
    return new Response(hasBody ? text : null, { status: answer.statusCode, headers: all })
  }

  async close(): Promise<void> {
    await this.#agent.close()
  }
}

/** Errors of the edge itself may be HTML, which is returned as text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
