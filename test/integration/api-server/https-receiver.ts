import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'

/** An https server on this machine, whose certificate this process trusts. */
export interface HttpsReceiver {
  /** Without a slash at its end. */
  url: string
  /** The forms that it has received, with the paths, in order. */
  received: { path: string; form: URLSearchParams }[]
  /** Requests without an answer, now and at most since this was set. */
  open: { now: number; most: number }
  /** The status of the next answers; `hang`: it does not answer. */
  answer: number | 'hang'
  /** The header `location` of its answers. */
  location: string
  close(): Promise<void>
}

export async function startHttpsReceiver(): Promise<HttpsReceiver> {
  const { 'tls.key': key = '', 'tls.crt': cert = '', 'ca.crt': ca = '' } = issueCertificate(['localhost'], new Date())
  setDefaultCACertificates([...getCACertificates('default'), ca])
  const server = createServer({ key, cert }, async (request, response) => {
    receiver.open.now++
    receiver.open.most = Math.max(receiver.open.most, receiver.open.now)
    response.once('close', () => receiver.open.now--)
    let body = ''
    for await (const chunk of request) body += String(chunk)
    receiver.received.push({ path: request.url ?? '', form: new URLSearchParams(body) })
    if (receiver.answer === 'hang') return
    response.writeHead(receiver.answer, { location: receiver.location })
    response.end('a'.repeat(100_000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The type of a TCP server's address.
  const { port } = server.address() as AddressInfo
  const receiver: HttpsReceiver = {
    url: `https://localhost:${port}`,
    received: [],
    open: { now: 0, most: 0 },
    answer: 200,
    location: '/',
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
