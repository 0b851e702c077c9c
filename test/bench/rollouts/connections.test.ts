import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueCertificate } from '../../../operator/authservice/secrets/certificates.ts'
import type { EdgeAddress } from '../../../scripts/demo/edge-client.ts'
import { http1, http2 } from './connections.ts'

let edge: Http2SecureServer
let address: EdgeAddress

beforeAll(async () => {
  const host = 'edge.localhost'
  const certificate = issueCertificate([host], new Date())
  edge = createSecureServer(
    { key: certificate['tls.key'] ?? '', cert: certificate['tls.crt'] ?? '', allowHTTP1: true },
    ({ url, httpVersion }, response) => {
      if (url === '/bad') response.setHeader('x-bad-version', 'logins-fail')
      response.writeHead(401).end(httpVersion)
    },
  )
  await new Promise<void>((listening) => edge.listen(0, '127.0.0.1', listening))
  const { port } = edge.address() as AddressInfo // it listens on a port
  address = { host, ip: '127.0.0.1', port, ca: certificate['ca.crt'] ?? '' }
})

afterAll(() => new Promise((closed) => edge.close(closed)))

test.each([
  ['HTTP/1.1', http1, '1.1'],
  ['HTTP/2', http2, '2.0'],
] as const)('an answer by %s tells whether a bad version gave it', async (_name, connect, text) => {
  const connection = connect(address)
  const ask = (path: string) => connection.send({ method: 'GET', path, headers: {}, body: null })
  try {
    expect(await ask('/bad')).toEqual({ status: 401, text, badVersion: 'logins-fail' })
    expect(await ask('/good')).toEqual({ status: 401, text, badVersion: undefined })
  } finally {
    await connection.close()
  }
})
