import { expect, test } from 'vitest'
import { Transport } from '../../../operator/kube/transport.ts'
import { serveApi, stopsInTheMiddle } from './stalling-server.ts'

/**
 * A server that closes each connection when the second request arrives, like a server that closes an idle connection.
 */
async function forgetfulServer(): Promise<{ transport: Transport; seen: string[] }> {
  const seen: string[] = []
  const used = new WeakSet<object>()
  const config = await serveApi((request, response) => {
    if (used.has(request.socket)) return void request.socket.destroy()
    used.add(request.socket)
    seen.push(`${request.method} ${request.url}`)
    response.end('{}')
  })
  return { transport: new Transport(config, 'test'), seen }
}

test('a request on a connection that the server has just closed is repeated', async () => {
  const { transport, seen } = await forgetfulServer()
  for (const method of ['GET', 'GET', 'PATCH', 'DELETE'] as const) await transport.json({ method, path: '/api' })
  expect(seen).toEqual(['GET /api', 'GET /api', 'PATCH /api', 'DELETE /api'])
  transport.close()
})

test('a creation is not repeated', async () => {
  const { transport, seen } = await forgetfulServer()
  await transport.json({ method: 'GET', path: '/api' })
  await expect(transport.json({ method: 'POST', path: '/api', body: {} })).rejects.toThrow('socket hang up')
  expect(seen).toEqual(['GET /api'])
  transport.close()
})

test('a response that stops midway fails', async () => {
  const transport = new Transport(await serveApi(stopsInTheMiddle), 'test', undefined, { bodyIdleMilliseconds: 50 })
  const request = { method: 'GET', path: '/api' } as const
  await expect(transport.json(request)).rejects.toThrow('the response stopped midway')
  await expect(transport.send(request)).rejects.toThrow('the response stopped midway')
  transport.close()
})
