import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { issueCertificate } from '../../operator/authservice/secrets/system-sources.ts'
import { Connection, type Outcome, type Target } from './connection.ts'

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** @returns the port */
async function listen(server: Server & { closeAllConnections?(): void }): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  cleanUps.push(() => {
    server.closeAllConnections?.()
    server.close()
  })
  // A server on a TCP port has an address of this type.
  return (server.address() as AddressInfo).port
}

function connect(target: Target): () => Promise<Outcome> {
  const connection = new Connection(target)
  cleanUps.push(() => connection.close())
  return () => new Promise((done) => connection.send(Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), done))
}

test('a connection sends one request after the other, and reconnects after the target has closed it', async () => {
  let opened = 0
  const server = createHttpServer((_request, response) => {
    if (opened === 1) response.end('stays')
    else response.setHeader('connection', 'close').end('goes')
  }).on('connection', () => opened++)
  const ask = connect({ origin: `http://127.0.0.1:${await listen(server)}` })
  expect(await ask()).toEqual({ status: 200 })
  expect(await ask()).toEqual({ status: 200 })
  expect(opened).toBe(1)
  server.closeAllConnections()
  await expect.poll(async () => [await ask(), opened]).toEqual([{ status: 200 }, 2])
  expect(await ask()).toEqual({ status: 200 })
  expect(opened).toBe(3)
})

test('a refused connection, a cut connection and an invalid answer are failures with a code', async () => {
  const gone = createTcpServer()
  const port = await listen(gone)
  await new Promise((closed) => gone.close(closed))
  expect(await connect({ origin: `http://127.0.0.1:${port}` })()).toEqual({ failure: 'ECONNREFUSED' })

  const cutting = createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'))
  expect(await connect({ origin: `http://127.0.0.1:${await listen(cutting)}` })()).toEqual({
    failure: 'CONNECTION_CLOSED',
  })

  const strange = createTcpServer((socket) => socket.write('220 mail.example.com ESMTP\r\n\r\n'))
  expect(await connect({ origin: `http://127.0.0.1:${await listen(strange)}` })()).toEqual({ failure: 'BAD_ANSWER' })
})

test('a TLS target works with its authority, or without verification', async () => {
  const { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca = '' } = issueCertificate(['localhost'], new Date())
  const server = createHttpsServer({ cert, key }, (_request, response) => response.end('private'))
  const origin = `https://localhost:${await listen(server)}`
  expect(await connect({ origin, ca })()).toEqual({ status: 200 })
  expect(await connect({ origin, insecure: true })()).toEqual({ status: 200 })
  expect(await connect({ origin })()).toEqual({ failure: expect.stringMatching(/CERT|VERIFY/) })
})
