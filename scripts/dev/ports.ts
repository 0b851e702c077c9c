import { createServer } from 'node:net'

/**
 * The port that was asked for, or the first free one from the usual one on.
 * @throws when the port that was asked for is taken or is none
 */
export async function chooseFreePort(wanted: string | undefined, usual: number, isFree = isPortFree): Promise<number> {
  if (wanted !== undefined && wanted !== '') {
    const port = Number(wanted)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`PORT ${wanted} is not a port: 1 to 65535.`)
    if (await isFree(port)) return port
    throw new Error(
      `Port ${port} is taken. Stop what listens there, or choose another one: PORT=${port + 1} npm run dev`,
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
