import { createServer } from 'node:net'

/**
 * The requested port, or the first free one from the default on.
 * @throws if the requested port is in use or invalid
 */
export async function chooseFreePort(wanted: string | undefined, usual: number, isFree = isPortFree): Promise<number> {
  if (wanted !== undefined && wanted !== '') {
    const port = Number(wanted)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`PORT ${wanted} is not a port: choose one from 1 to 65535.`)
    if (await isFree(port)) return port
    throw new Error(
      `Port ${port} is in use. Stop the program that uses it, or choose another port: PORT=${port + 1} npm run dev`,
    )
  }
  for (let port = usual; port < usual + 50; port++) if (await isFree(port)) return port
  throw new Error(`No port from ${usual} to ${usual + 49} is free. Choose one: PORT=… npm run dev`)
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
