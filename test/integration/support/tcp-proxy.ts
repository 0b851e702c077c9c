import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy in front of a server, with which a test breaks connections. */
export class TcpProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #silent = false
  /** Earlier connections that transfer nothing any more. */
  #abandoned = new WeakSet<Socket>()
  port = 0

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1')
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
        socket.on('error', () => socket.destroy())
      }
      const isOpen = () => !this.#silent && !this.#abandoned.has(client)
      client.on('data', (data) => isOpen() && upstream.write(data))
      upstream.on('data', (data) => isOpen() && client.write(data))
      client.on('close', () => upstream.destroy())
      upstream.on('close', () => client.destroy())
    })
  }

  static async to(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening))
    const address = proxy.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
    proxy.port = address.port
    return proxy
  }

  /** Closes every connection, in the middle of any transfer. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Whether all connections stay open but transfer nothing. */
  setSilent(silent: boolean): void {
    this.#silent = silent
  }

  /** Present connections stay open but transfer nothing from now on. New ones work. */
  abandon(): void {
    for (const socket of this.#sockets) this.#abandoned.add(socket)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((closed) => this.#server.close(closed))
  }
}
