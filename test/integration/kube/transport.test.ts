import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, expect, test } from 'vitest'
import { issueCertificate } from '../../../operator/authservice/secrets/certificates.ts'
import { Transport } from '../../../operator/kube/transport.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server that closes each connection when the second request comes over it, as one does that found it idle. */
async function forgetfulServer(): Promise<{ transport: Transport; seen: string[] }> {
  const { 'tls.crt': cert = '', 'tls.key': key = '' } = issueCertificate(['localhost'], new Date())
  const seen: string[] = []
  const used = new WeakSet<object>()
  const server = createServer({ cert, key }, (request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy()
    used.add(request.socket)
    seen.push(`${request.method} ${request.url}`)
    response.end('{}')
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  // A server that listens on TCP has an AddressInfo.
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'test', server: url, skipTLSVerify: true }, { name: 'test', token: 'x' })
  return { transport: new Transport(config, 'test'), seen }
}

test('a request that meets a connection which the server has just closed is made again', async () => {
  const { transport, seen } = await forgetfulServer()
  for (const method of ['GET', 'GET', 'PATCH', 'DELETE'] as const) await transport.json({ method, path: '/api' })
  expect(seen).toEqual(['GET /api', 'GET /api', 'PATCH /api', 'DELETE /api'])
  transport.close()
})

test('a creation is not made twice', async () => {
  const { transport, seen } = await forgetfulServer()
  await transport.json({ method: 'GET', path: '/api' })
  await expect(transport.json({ method: 'POST', path: '/api', body: {} })).rejects.toThrow('socket hang up')
  expect(seen).toEqual(['GET /api'])
  transport.close()
})
