import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { issueAuthority, issueFor } from './issue-certificate.ts'

const day = 86_400_000
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }

test('a client that trusts the CA can connect to the host, and to no other host', async () => {
  // The longest possible host: lengths in the certificate then take two bytes.
  const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.localhost`
  const authority = issueAuthority(validity)
  const { 'tls.crt': cert = '', 'tls.key': key = '', 'ca.crt': ca = '' } = issueFor([host], validity, authority)
  const server = createServer({ cert, key }, (socket) => socket.end())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const outcome = (servername: string, trusted: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: trusted }, () => {
        socket.destroy()
        resolve('connected')
      })
      socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    })
  try {
    expect(await outcome(host, ca)).toBe('connected')
    expect(await outcome('other.localhost', ca)).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await outcome(host, issueAuthority(validity)['tls.crt'] ?? '')).not.toBe('connected')
  } finally {
    server.close()
  }
})

test('a client can connect to an IPv4 address of the certificate, and to no other one', () => {
  const { 'tls.crt': cert = '' } = issueFor(['auth.example.com', '192.0.2.7'], validity, issueAuthority(validity))
  const leaf = new X509Certificate(cert)
  expect(leaf.checkIP('192.0.2.7')).toBe('192.0.2.7')
  expect(leaf.checkIP('192.0.2.8')).toBeUndefined()
  expect(leaf.checkHost('auth.example.com')).toBe('auth.example.com')
})

test('it is only for servers, and cannot sign certificates', () => {
  const { 'tls.crt': cert = '', 'ca.crt': ca = '' } = issueFor(['auth.example.com'], validity, issueAuthority(validity))
  const [leaf, authority] = [new X509Certificate(cert), new X509Certificate(ca)]
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect([leaf.ca, authority.ca]).toEqual([false, true])
  expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true)
  expect(authority.verify(authority.publicKey)).toBe(true)
  expect(leaf.serialNumber).not.toBe(authority.serialNumber)
  expect(leaf.validToDate.getTime()).toBe(Math.floor(validity.notAfter.getTime() / 1000) * 1000)
})
