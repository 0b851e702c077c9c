import { createServer } from 'node:net'
import { ClusterError } from './failure.ts'

/** Where the edge answers unless the port is taken or another one was asked for. */
const firstEdgePort = 8443
const portsTried = 50

/**
 * @param wanted by the user; undefined means 8443 or the next free one
 * @throws {ClusterError} when the wanted port, or all that were tried, are taken
 */
export async function chooseEdgePort(wanted: number | undefined, isFree = portIsFree): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted
    throw new ClusterError(
      `Port ${wanted} on 127.0.0.1 is taken: stop what listens there ("ss -ltnp 'sport = :${wanted}'" shows it), or choose another port.`,
    )
  }
  for (let port = firstEdgePort; port < firstEdgePort + portsTried; port++) {
    if (await isFree(port)) return port
  }
  throw new ClusterError(
    `All ports from ${firstEdgePort} to ${firstEdgePort + portsTried - 1} on 127.0.0.1 are taken: name a free one with --edge-port.`,
  )
}

/** Whether something can listen on this port of 127.0.0.1 right now. */
export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
