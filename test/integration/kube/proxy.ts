import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy in front of a server, with which a test breaks connections. */
export class FaultyProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #silent = false
  /** Of connections made before: nothing comes through them any more. */
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

  static async to(target: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target)
    await new Promise<void>((listening) => proxy.#server.listen(0, '127.0.0.1', listening))
    const address = proxy.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
    proxy.port = address.port
    return proxy
  }

  /** Ends every connection in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Connections stay open and nothing comes through any more. */
  setSilent(silent: boolean): void {
    this.#silent = silent
  }

  /** The connections that there are stay open and silent for good; new ones work. */
  abandon(): void {
    for (const socket of this.#sockets) this.#abandoned.add(socket)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((closed) => this.#server.close(closed))
  }
}
