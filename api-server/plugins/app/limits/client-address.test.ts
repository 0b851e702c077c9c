import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress, trustForwardedFrom } from './client-address.ts'

const edge = '10.0.0.7'

function seen(
  headers: Record<string, string>,
  { hops = 1, networks = [] as string[], secret = undefined as string | undefined, peer = edge } = {},
): IncomingMessage['headers'] {
  const request = { headers: { ...headers }, socket: { remoteAddress: peer } }
  // What the function reads of a request.
  trustForwardedFrom({ hops, networks, ...(secret !== undefined && { secret }) })(request as unknown as IncomingMessage)
  return request.headers
}

test.each([
  ['203.0.113.9', '203.0.113.9'],
  [' 203.0.113.9 ', '203.0.113.9'],
  ['203.0.113.9:40000', '203.0.113.9'],
  ['2001:DB8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%any-text]:443', 'fe80::1'],
  ['::ffff:203.0.113.9', '::ffff:203.0.113.9'],
])('the address of the client is found in %s', (entry, address) => {
  expect(parseAddress(entry)).toBe(address)
})

test.each(['', 'unknown', '_hidden', '203.0.113', '203.0.113.9:', '203.0.113.9:400000', '[203.0.113.9]:1', 'a:b'])(
  '%j is no address',
  (entry) => {
    expect(parseAddress(entry)).toBeUndefined()
  },
)

test('a client that writes anything into X-Forwarded-For is counted by an address, never by its text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      const forwarded = seen({ 'x-forwarded-for': text })['x-forwarded-for']
      if (forwarded !== undefined) expect(String(forwarded)).toMatch(/^[\da-f:.]{2,45}$/)
    }),
  )
})

test('of several entries the one counts that the outermost trusted proxy wrote', () => {
  const headers = { 'x-forwarded-for': '198.51.100.1, 198.51.100.2:1, 198.51.100.3' }
  expect(seen(headers)['x-forwarded-for']).toBe('198.51.100.3')
  expect(seen(headers, { hops: 2 })['x-forwarded-for']).toBe('198.51.100.2')
  expect(seen(headers, { hops: 5 })['x-forwarded-for']).toBe('198.51.100.1')
  expect(seen(headers, { hops: 0 })).toEqual({})
})

test('who does not connect from a trusted network does not choose its address', () => {
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'evil.example' }
  const networks = ['10.0.0.0/29', '2001:db8::/32']
  expect(seen(headers, { networks })['x-forwarded-for']).toBe('203.0.113.9')
  expect(seen(headers, { networks, peer: '::ffff:10.0.0.7' })['x-forwarded-for']).toBe('203.0.113.9')
  expect(seen(headers, { networks, peer: '2001:db8::5' })['x-forwarded-for']).toBe('203.0.113.9')
  expect(seen(headers, { networks, peer: '10.0.0.8' })).toEqual({})
})

test('who does not know the secret of the proxies does not choose its address, and the secret goes no further', () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  const secret = 'a-secret-of-the-edge'
  expect(seen({ ...headers, 'x-proxy-secret': secret }, { secret })).toEqual(headers)
  expect(seen({ ...headers, 'x-proxy-secret': 'a-secret-of-the-edgf' }, { secret })).toEqual({})
  expect(seen({ ...headers, 'x-proxy-secret': '' }, { secret })).toEqual({})
  expect(seen(headers, { secret })).toEqual({})
})
