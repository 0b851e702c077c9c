import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type AppForTest, password, startApp } from './app-for-test.ts'

let server: AppForTest
let port: number

beforeAll(async () => {
  server = await startApp({ REQUEST_TIMEOUT: '2s' })
  const address = await server.app.listen({ port: 0, host: '127.0.0.1' })
  port = Number(new URL(address).port)
})
afterAll(() => server.close())

/** A connection, and what the server has sent before it closed the connection. */
interface Client {
  socket: Socket
  received(): string
  closed: Promise<unknown>
}

async function client(at = port): Promise<Client> {
  const socket = connect(at, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (data) => {
    text += data
  })
  // The server may end it with a reset.
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { socket, received: () => text, closed }
}

/** Sends a byte now and then, until the server closes the connection. */
function drip({ socket }: Client, text: string): void {
  let sent = 0
  const timer = setInterval(() => {
    if (socket.writable) socket.write(text[sent++ % text.length] ?? 'x')
  }, 100)
  socket.on('close', () => clearInterval(timer))
}

const post = (length: number, type = 'application/json') =>
  `POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`

test('slow headers are cut off, and so is a slow body', { timeout: 30_000 }, async () => {
  const headers = await client()
  headers.socket.write('GET /v1/me HTTP/1.1\r\nhost: x\r\n')
  drip(headers, 'x-slow: loris\r\n')
  const body = await client()
  body.socket.write(post(10_000))
  drip(body, ' ')
  const silent = await client()
  await Promise.all([headers.closed, body.closed, silent.closed])
  for (const cut of [headers, body]) expect(cut.received()).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s)
})

test('the server answers other requests while hundreds of connections are slow or idle', {
  timeout: 60_000,
}, async () => {
  // It cuts them off later than these requests take on a busy machine.
  const patient = await startApp({ REQUEST_TIMEOUT: '10s' })
  onTestFinished(() => patient.close())
  const address = await patient.app.listen({ port: 0, host: '127.0.0.1' })
  const slow = await Promise.all(
    Array.from({ length: 400 }, async (_, index) => {
      const each = await client(Number(new URL(address).port))
      if (index % 3 === 0) each.socket.write('GET /v1/me HTTP/1.1\r\nhost: x\r\nx-slow: ')
      if (index % 3 === 1) each.socket.write(post(10_000))
      if (index % 3 !== 2) drip(each, 'x')
      return each
    }),
  )
  onTestFinished(() => {
    for (const { socket } of slow) socket.destroy()
  })
  const stillOpen = () => slow.filter(({ socket }) => !socket.destroyed).length
  const statuses: number[] = []
  for (let call = 0; call < 20; call++) {
    statuses.push((await fetch(`${address}/.well-known/jwks.json`)).status)
  }
  const registered = await fetch(`${address}/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'patient@example.com', password, name: 'Patient' }),
  })
  expect(stillOpen(), 'slow connections during these requests').toBeGreaterThan(0)
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(registered.status).toBe(201)
  await Promise.all(slow.map(({ closed }) => closed))
})

test('a body over 16 KiB is refused as too large, headers over 8 KiB likewise', async () => {
  const big = JSON.stringify({ email: 'x@example.com', password: 'x'.repeat(17 * 1024) })
  expect(
    await server.app.inject({
      method: 'POST',
      url: '/v1/auth/login',
      headers: { 'content-type': 'application/json' },
      payload: big,
    }),
  ).toMatchObject({ statusCode: 413 })

  // Without a length, so that the server must count.
  const chunked = await client()
  chunked.socket.write(
    'POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  for (let sent = 0; sent < 5; sent++) chunked.socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`)
  await expect.poll(() => chunked.received()).toMatch(/^HTTP\/1\.1 413 /)
  chunked.socket.destroy()

  const headers = await client()
  headers.socket.write(`GET /v1/me HTTP/1.1\r\nhost: x\r\nx-big: ${'x'.repeat(9 * 1024)}\r\n\r\n`)
  await headers.closed
  expect(headers.received()).toMatch(/^HTTP\/1\.1 431 .*"code":"headers_too_large"/s)
})

test('bytes that are not HTTP are answered once, and the connection is closed', async () => {
  const noise = await client()
  noise.socket.write('\x16\x03\x01 hello\r\n\r\n')
  await noise.closed
  expect(noise.received()).toMatch(/^HTTP\/1\.1 400 .*"code":"bad_request"/s)
})
