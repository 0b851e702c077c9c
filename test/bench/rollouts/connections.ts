import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { Client } from 'undici'
import type { EdgeAddress } from '../../../scripts/demo/edge-client.ts'

/** A request, and where it may be sent. */
export interface Call {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string | null
}

/** What is read of an answer. */
export interface Answer {
  status: number
  text: string
  /** What the answers of bad versions are marked with; undefined: it is none of theirs. */
  badVersion: string | undefined
}

/** A way to send requests to the edge. `send` rejects when no whole answer comes. */
export interface Connection {
  send(call: Call): Promise<Answer>
  close(): Promise<void>
}

const answerTimeoutMilliseconds = 10_000

/** HTTP/1.1: one connection, one request at a time on it, opened anew when the edge has closed it. */
export function http1(address: EdgeAddress): Connection {
  const client = new Client(originOf(address), {
    allowH2: false,
    pipelining: 1,
    // Longer than the edge keeps them: a client that closes first would hide what the edge does.
    keepAliveTimeout: 120_000,
    keepAliveMaxTimeout: 120_000,
    keepAliveTimeoutThreshold: 0,
    headersTimeout: answerTimeoutMilliseconds,
    bodyTimeout: answerTimeoutMilliseconds,
    connect: {
      ca: address.ca,
      servername: address.host,
      timeout: 5_000,
      lookup: (_name, _options, found) => found(null, [{ address: address.ip, family: 4 }]),
    },
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
 * Several connections of HTTP/1.1, as a client holds them: a request goes to one that is free, and of those to the one
 * that was free longest. Only when all are busy does it wait for one.
 */
export function http1Pool(address: EdgeAddress, size: number): Connection {
  return pooled(Array.from({ length: size }, () => http1(address)))
}

export function pooled(connections: readonly Connection[]): Connection {
  // The order is that in which they were used.
  const members = connections.map((connection) => ({ connection, waiting: 0 }))
  return {
    send: async (call) => {
      const least = Math.min(...members.map(({ waiting }) => waiting))
      const index = members.findIndex(({ waiting }) => waiting === least)
      const [member] = members.splice(index, 1)
      if (member === undefined) throw new Error('a pool wants a connection at least')
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

/** HTTP/2: all requests on one connection. */
export function http2(address: EdgeAddress): Connection {
  let session: ClientHttp2Session | undefined
  const open = () => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    session = connect(originOf(address), {
      ca: address.ca,
      servername: address.host,
      lookup: (_name, _options, found) => found(null, [{ address: address.ip, family: 4 }]),
    })
    // Its requests tell.
    session.on('error', () => {})
    return session
  }
  return {
    send: async (call) => {
      try {
        return await exchange(open(), call)
      } catch (error) {
        // A connection that goes away names the last request that it has seen: a later one was not carried out, and every
        // client of HTTP/2 sends it again (RFC 9113 section 8.7).
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

/** See test/bad-versions/fault.mjs. The edge passes on what it does not know. */
function markOf({ 'x-bad-version': mark }: Record<string, string | string[] | undefined>): string | undefined {
  return typeof mark === 'string' ? mark : undefined
}

function originOf({ host, port }: EdgeAddress): string {
  return `https://${host}:${port}`
}
