import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { Client } from 'undici'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'

/** A request to the edge. */
export interface Call {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string | null
}

/** The parts of an answer that a client reads. */
export interface Answer {
  status: number
  text: string
  /** The fault of the bad version that answered; undefined when a good version answered. */
  badVersion: string | undefined
}

/** A way to send requests. `send` rejects when no complete answer arrives. */
export interface Connection {
  send(call: Call): Promise<Answer>
  close(): Promise<void>
}

const answerTimeoutMilliseconds = 10_000

/** One HTTPS connection with one request at a time. The client opens it again after the edge has closed it. */
export function http1(address: EdgeAddress): Connection {
  return connectionOf(originOf(address), {
    ca: address.ca,
    servername: address.host,
    timeout: 5_000,
    lookup: (_name, _options, found) => found(null, [{ address: address.ip, family: 4 }]),
  })
}

/** The same without TLS. */
export function plainHttp1(origin: string): Connection {
  return connectionOf(origin, { timeout: 5_000 })
}

function connectionOf(origin: string, connect: NonNullable<Client.Options['connect']>): Connection {
  const client = new Client(origin, {
    allowH2: false,
    pipelining: 1,
    // Longer than the edge keeps connections: a client that closes first would hide how the edge closes them.
    keepAliveTimeout: 120_000,
    keepAliveMaxTimeout: 120_000,
    keepAliveTimeoutThreshold: 0,
    headersTimeout: answerTimeoutMilliseconds,
    bodyTimeout: answerTimeoutMilliseconds,
    connect,
  })
  return {
    send: async (call) => {
      const { statusCode, headers, body } = await client.request(call)
      return { status: statusCode, text: await body.text(), badVersion: markOf(headers) }
    },
    close: () => client.destroy(),
  }
}

/**
 * A pool of connections, as a client holds it. A request takes the connection that has been idle longest, and waits only
 * when all are busy.
 */
export function pool(size: number, connect: () => Connection): Connection {
  return pooled(Array.from({ length: size }, connect))
}

export function pooled(connections: readonly Connection[]): Connection {
  // The least recently used connection comes first.
  const members = connections.map((connection) => ({ connection, waiting: 0 }))
  return {
    send: async (call) => {
      const least = Math.min(...members.map(({ waiting }) => waiting))
      const index = members.findIndex(({ waiting }) => waiting === least)
      const [member] = members.splice(index, 1)
      if (member === undefined) throw new Error('a pool needs at least one connection')
      members.push(member)
      member.waiting++
      try {
        return await member.connection.send(call)
      } finally {
        member.waiting--
      }
    },
    close: async () => void (await Promise.all(connections.map((connection) => connection.close()))),
  }
}

/** One HTTP/2 connection for all requests. */
export function http2(address: EdgeAddress): Connection {
  let session: ClientHttp2Session | undefined
  const open = () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    session = connect(originOf(address), {
      ca: address.ca,
      servername: address.host,
      lookup: (_name, _options, found) => found(null, [{ address: address.ip, family: 4 }]),
    })
    // Each request reports the error.
    session.on('error', () => {})
    return session
  }
  return {
    send: async (call) => {
      try {
        return await exchange(open(), call)
      } catch (error) {
        // A server that closes a connection names the last request that it processes. Clients send a later one again
        // (RFC 9113 section 8.7).
        if (error instanceof RefusedStream) return exchange(open(), call)
        throw error
      }
    },
    close: async () => session?.destroy(),
  }
}

class RefusedStream extends Error {}

function exchange(session: ClientHttp2Session, { method, path, headers, body }: Call) {
  return new Promise<Answer>((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers })
    let status = 0
    let badVersion: string | undefined
    let text = ''
    stream.setEncoding('utf8')
    stream.setTimeout(answerTimeoutMilliseconds, () => stream.destroy(new Error('no answer within 10 s')))
    stream.on('response', (answer) => {
      status = answer[':status'] ?? 0
      badVersion = markOf(answer)
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('error', (error) => {
      reject(stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? new RefusedStream(error.message) : error)
    })
    stream.on('close', () => {
      if (status !== 0 && stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve({ status, text, badVersion })
      else reject(new Error(`the stream was closed without an answer, code ${stream.rstCode}`))
    })
    stream.end(body ?? undefined)
  })
}

/** See tools/bad-versions/fault.mjs. The edge forwards the header. */
function markOf({ 'x-bad-version': mark }: Record<string, string | string[] | undefined>): string | undefined {
  return typeof mark === 'string' ? mark : undefined
}

function originOf({ host, port }: EdgeAddress): string {
  return `https://${host}:${port}`
}
