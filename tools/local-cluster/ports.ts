import { createServer } from 'node:net'
import { ClusterError } from '../programs/failure.ts'

/** The port of the edge, unless it is taken or the user requests another one. */
const firstEdgePort = 8443
const portsTried = 50

/**
 * @param wanted the user's choice; undefined means 8443 or the next free port
 * @throws {ClusterError} when the chosen port is taken, or no port is free
 */
export async function chooseEdgePort(wanted: number | undefined, isFree = portIsFree): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted
    throw new ClusterError(
      `Port ${wanted} on 127.0.0.1 is taken: stop the program that listens there ("ss -ltnp 'sport = :${wanted}'" shows it), or choose another port.`,
    )
  }
  for (let port = firstEdgePort; port < firstEdgePort + portsTried; port++) {
    if (await isFree(port)) return port
  }
  throw new ClusterError(
    `All ports from ${firstEdgePort} to ${firstEdgePort + portsTried - 1} on 127.0.0.1 are taken: name a free one with --edge-port.`,
  )
}

/** Whether this port of 127.0.0.1 is free now. */
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
