import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { checkedLookup, isRefusedAddress } from './refused-addresses.ts'

test.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'])(
  'an address of this machine, %s, is refused unless the author of the file is trusted with it',
  (address) => {
    expect(isRefusedAddress(address, false)).toBe(true)
    expect(isRefusedAddress(address, true)).toBe(false)
  },
)

test.each([
  '169.254.169.254',
  '169.254.170.2',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '0.0.0.0',
  '::',
  '224.0.0.1',
  '255.255.255.255',
  'ff02::1',
  'not an address',
  '',
])('%s is refused in any case', (address) => {
  expect(isRefusedAddress(address, false)).toBe(true)
  expect(isRefusedAddress(address, true)).toBe(true)
})

test.each(['10.96.0.10', '172.16.0.1', '192.168.1.1', 'fd12:3456::1', '203.0.113.7', '2001:db8::1'])(
  '%s is allowed: receivers run in networks of the cluster and elsewhere',
  (address) => {
    expect(isRefusedAddress(address, false)).toBe(false)
  },
)

/** A name server that knows one name. */
const resolving = (...addresses: string[]): LookupFunction =>
  function resolve(_, { all }, done) {
    const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (all === true) done(null, found)
    else done(null, found[0]?.address ?? '', found[0]?.family)
  }

const lookedUp = (all: boolean, ...addresses: string[]) =>
  new Promise<string>((resolve) => {
    checkedLookup(false, resolving(...addresses))('shop.example.com', { all }, (error, found) =>
      resolve(error === null ? JSON.stringify(found) : error.message),
    )
  })

test.each([true, false])('a name that leads to a refused address is refused, with all addresses: %s', async (all) => {
  const refused = 'shop.example.com has an address to which no logout token may be sent'
  expect(await lookedUp(all, '169.254.169.254')).toBe(refused)
  expect(await lookedUp(all, '::1', '10.0.0.1')).toBe(refused)
  expect(await lookedUp(all, '10.0.0.1')).toContain('10.0.0.1')
})

test('one refused address among others is enough', async () => {
  expect(await lookedUp(true, '203.0.113.7', '169.254.169.254')).toMatch(/no logout token may be sent/)
})
