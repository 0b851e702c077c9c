import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { readAnswer } from './answer.ts'

export interface Target {
  /** Scheme, host and port. */
  origin: string
  /** PEM of the authority of its certificate; the system's authorities by default. */
  ca?: string
  /** Accept any certificate. */
  insecure?: boolean
}

export type Outcome = { status: number } | { failure: string }

const answerTimeoutMilliseconds = 10_000
/** A read buffer that all connections share. */
const readBuffer = Buffer.alloc(65_536)

/**
 * One connection that sends one request at a time and reconnects after it was closed. It uses plain sockets, because an
 * HTTP client would use more CPU time than the target needs for a response.
 */
export class Connection {
  readonly #target: Target
  #socket: Socket | undefined
  #done: ((outcome: Outcome) => void) | undefined
  /** The part of an answer that has arrived. */
  #received = ''

  constructor(target: Target) {
    this.#target = target
  }

  /**
   * @param request the bytes to send
   * @param done called once, never before `send` returns
   */
  send(request: Buffer, done: (outcome: Outcome) => void): void {
    if (this.#done !== undefined) throw new Error('a connection sends one request at a time')
    this.#done = done
    this.#received = ''
    this.#socket ??= this.#open()
    this.#socket.write(request)
  }

  close(): void {
    this.#done = undefined
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = openSocket(this.#target, (text) => this.#read(socket, text))
    socket.setTimeout(answerTimeoutMilliseconds, () => {
      if (this.#done !== undefined) socket.destroy(Object.assign(new Error('no answer'), { code: 'NO_ANSWER' }))
    })
    socket.on('end', () => this.#read(socket, '', true))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lose(socket, error.code ?? error.name))
    socket.on('close', () => this.#lose(socket, 'CONNECTION_CLOSED'))
    return socket
  }

  #read(socket: Socket, text: string, isClosed = false): void {
    if (socket !== this.#socket || this.#done === undefined) return
    try {
      this.#received = this.#received === '' ? text : this.#received + text
      const answer = readAnswer(this.#received, isClosed)
      if (answer === undefined) return
      if (answer.isLast) this.#forget(socket)
      this.#finish({ status: answer.status })
    } catch (error) {
      this.#lose(socket, error instanceof Error && 'code' in error ? String(error.code) : 'BAD_ANSWER')
    }
  }

  #lose(socket: Socket, failure: string): void {
    if (socket !== this.#socket) return
    this.#forget(socket)
    this.#finish({ failure })
  }

  #forget(socket: Socket): void {
    this.#socket = undefined
    socket.destroy()
  }

  #finish(outcome: Outcome): void {
    const done = this.#done
    this.#done = undefined
    done?.(outcome)
  }
}

function openSocket({ origin, ca, insecure }: Target, read: (text: string) => void): Socket {
  const { protocol, hostname, port } = new URL(origin)
  const isTls = protocol === 'https:'
  const options: TcpNetConnectOpts = {
    // A URL has an IPv6 address in brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (isTls ? 443 : 80),
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (length) => {
        read(readBuffer.toString('latin1', 0, length))
        return true
      },
    },
  }
  if (!isTls) return connectTcp(options)
  return connectTls({
    ...options,
    ALPNProtocols: ['http/1.1'],
    ...(ca !== undefined && { ca }),
    ...(insecure === true && { rejectUnauthorized: false }),
  })
}
