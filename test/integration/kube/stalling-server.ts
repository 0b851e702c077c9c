import { createServer as createPlain, type RequestListener, type Server } from 'node:http'
import { createServer as createEncrypted } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { onTestFinished } from 'vitest'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'

/** Sends headers and half a JSON body, and leaves the connection open. */
export const stopsInTheMiddle: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"kind":"Secret","data":{')
}

/** Serves HTTP on this machine until the test ends. @returns its URL */
export async function servePlain(listener: RequestListener): Promise<string> {
  return `http://${await listen(createPlain(listener))}`
}

/** Serves HTTPS like an API server until the test ends. @returns a kubeconfig for it */
export async function serveApi(listener: RequestListener): Promise<KubeConfig> {
  const { 'tls.crt': cert = '', 'tls.key': key = '' } = issueCertificate(['localhost'], new Date())
  const server = `https://${await listen(createEncrypted({ cert, key }, listener))}`
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'test', server, skipTLSVerify: true }, { name: 'test', token: 'x' })
  return config
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on TCP has an AddressInfo.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
