import { type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'
import { createServer, request as requestHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecretData } from '../../operator/authservice/model/secret-data.ts'
import { tls12Ciphers } from '../../operator/authservice/resources/edge/nginx-hosts.ts'

/** A TLS server that passes each request on. */
export interface TlsProxy {
  port: number
  close(): void
}

interface ProxyOptions {
  certificate: SecretData
  /** The port 0 stands for a free one, and no host for all addresses of this machine. */
  listen: { host?: string; port: number }
  /** The server behind it: an origin. This process must trust the certificate of an https one. */
  upstream: URL
  /** `Host` of the requests, by default as the client sent it. */
  host?: string
}

/** The cipher suites of the edge: FAPI 2.0 Security Profile section 5.2.2. */
const ciphers = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', ...tls12Ciphers].join(':')

export async function startTlsProxy(options: ProxyOptions): Promise<TlsProxy> {
  const { 'tls.key': key = '', 'tls.crt': cert = '' } = options.certificate
  const server = createServer({ key, cert, ciphers }, (incoming, outgoing) => passOn(incoming, outgoing, options))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.listen, resolve))
  return {
    // A server that listens on TCP has an AddressInfo.
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, { upstream, host }: ProxyOptions): void {
  const { protocol, hostname, port } = upstream
  const { method, url: path } = incoming
  const headers = host === undefined ? incoming.headers : { ...incoming.headers, host }
  const request = protocol === 'https:' ? requestHttps : requestHttp
  const asked = request({ hostname, port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  asked.once('error', () => outgoing.destroy())
  incoming.pipe(asked)
}
