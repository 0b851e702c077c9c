import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { queryUrl, readPage } from './query.ts'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  ['http://prometheus:9090', 'http://prometheus:9090/api/v1/query?query=up%7Ba%3D%22b%22%7D'],
  ['https://monitor.example.com/prom/', 'https://monitor.example.com/prom/api/v1/query?query=up%7Ba%3D%22b%22%7D'],
  ['http://proxy?namespace={namespace}', 'http://proxy/api/v1/query?namespace=team-a&query=up%7Ba%3D%22b%22%7D'],
])('a query to %s has the right URL', (address, url) => {
  expect(queryUrl(address, 'team-a', 'up{a="b"}').href).toBe(url)
})

test('a response is read, including one that rejects the query', async () => {
  const address = await serve((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x')
    response.writeHead(searchParams.get('query') === 'up' ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ asked: searchParams.get('query') }))
  })
  expect(await readPage(queryUrl(address, 'team-a', 'up'), { timeoutMilliseconds: 2_000 })).toEqual({
    body: '{"asked":"up"}',
  })
  expect(await readPage(queryUrl(address, 'team-a', 'up{'), { timeoutMilliseconds: 2_000 })).toEqual({
    body: '{"asked":"up{"}',
  })
})

test('a response that is not from Prometheus is a failure that contains the response', async () => {
  const proxy = await serve((_request, response) => response.writeHead(502).end('<html>'))
  expect(await readPage(queryUrl(proxy, 'a', 'up'), { timeoutMilliseconds: 2_000 })).toEqual({
    failure: expect.stringMatching(/:\d+ answers 502$/),
  })
  const silent = await serve(() => {})
  expect(await readPage(queryUrl(silent, 'a', 'up'), { timeoutMilliseconds: 100 })).toEqual({
    failure: expect.stringMatching(/did not answer within 0\.1 s$/),
  })
  const endless = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(Buffer.alloc(1024 * 1024 + 1, ' '))
  })
  expect(await readPage(queryUrl(endless, 'a', 'up'), { timeoutMilliseconds: 2_000 })).toEqual({
    failure: expect.stringMatching(/longer than/),
  })
  const cut = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"status":', () => response.destroy())
  })
  expect(await readPage(queryUrl(cut, 'a', 'up'), { timeoutMilliseconds: 2_000 })).toEqual({
    failure: expect.stringMatching(/^the request to .* failed: /),
  })
  expect(await readPage(queryUrl('http://127.0.0.1:1', 'a', 'up'), { timeoutMilliseconds: 2_000 })).toEqual({
    failure: expect.stringMatching(/the request to .* failed: .*ECONNREFUSED/),
  })
})
