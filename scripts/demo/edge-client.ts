import { Agent, request } from 'undici'

/** Where an edge answers, seen from this machine. */
export interface EdgeAddress {
  /** The host name that its certificate and its Nginx server know. */
  host: string
  /** Where to connect; the name above need not resolve. */
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

/** An HTTPS client of one edge that checks its certificate against the given authority. */
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

  /** @throws when no answer comes: refused, reset, a certificate that does not verify, 15 s of silence */
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

  async close(): Promise<void> {
    await this.#agent.close()
  }
}

/** Errors of the edge itself may be HTML: then the text is the body. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
