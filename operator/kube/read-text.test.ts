import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { readText } from './read-text.ts'

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

test('reads what a pod answers', async () => {
  expect(await readText(await serve((_, response) => response.end('up 1\n')), 5_000)).toBe('up 1\n')
})

test.each<[what: string, listener: RequestListener]>([
  ['refuses', (_, response) => response.writeHead(500).end('no')],
  ['hangs', () => {}],
  ['stops in the middle', (_, response) => void response.write('up', () => response.destroy())],
  ['never ends', (_, response) => void setInterval(() => response.write('x'.repeat(65_536)), 1).unref()],
])('a pod that %s has not answered', async (_, listener) => {
  expect(await readText(await serve(listener), 500)).toBeUndefined()
})

test('nobody at the address is no answer', async () => {
  expect(await readText('http://127.0.0.1:1/metrics', 500)).toBeUndefined()
})
