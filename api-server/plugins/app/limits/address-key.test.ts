import { expect, test } from 'vitest'
import { addressKey, networksOf } from './address-key.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

test('an IPv6 address is counted in every network that one subscriber may have', () => {
  expect(networksOf('2001:db8:1:2345::9')).toEqual([
    { key: '2001:db8:1:2345::/64', weight: 1 },
    { key: '2001:db8:1:2300::/56', weight: 2 },
    { key: '2001:db8:1::/48', weight: 8 },
  ])
  expect(networksOf('::ffff:192.0.2.7')).toEqual([{ key: '192.0.2.7', weight: 1 }])
})
