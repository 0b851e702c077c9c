import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { readText } from './get-text.ts'

const mostBytes = 256 * 1024
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
}

test('reads the response of a pod', async () => {
  expect(
    await readText(await serve((_, response) => response.end('up 1\n')), { timeoutMilliseconds: 5_000, mostBytes }),
  ).toBe('up 1\n')
})

test.each<[what: string, listener: RequestListener]>([
  ['refuses', (_, response) => response.writeHead(500).end('no')],
  ['hangs', () => {}],
  ['stops in the middle', (_, response) => void response.write('up', () => response.destroy())],
  ['never ends', (_, response) => void setInterval(() => response.write('x'.repeat(65_536)), 1).unref()],
])('a pod that %s counts as not answering', async (_, listener) => {
  expect(await readText(await serve(listener), { timeoutMilliseconds: 500, mostBytes })).toBeUndefined()
})

test('a response that is too long is not used', async () => {
  let sent = 0
  const url = await serve((_, response) => {
    const send = () => {
      sent += 65_536
      if (sent > 64 * 1024 * 1024) response.end()
      else if (response.write('x'.repeat(65_536))) setImmediate(send)
      else response.once('drain', send)
    }
    send()
  })
  expect(await readText(url, { timeoutMilliseconds: 60_000, mostBytes })).toBeUndefined()
  expect(sent, 'what is on its way lies in buffers').toBeLessThan(32 * 1024 * 1024)
})

test('an address without a server gives no response', async () => {
  expect(await readText('http://127.0.0.1:1/metrics', { timeoutMilliseconds: 500, mostBytes })).toBeUndefined()
})
