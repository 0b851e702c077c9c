import { expect, test } from 'vitest'
import { isNetwork } from './trusted-proxies.ts'

test.each([
  ['10.0.0.0/8', true],
  ['192.0.2.1', true],
  ['2001:db8::/32', true],
  ['10.0.0.0/33', false],
  ['2001:db8::/129', false],
  ['10.0.0.0/8/8', false],
  ['pods', false],
])('%s can be a network: %s', (text, expected) => {
  expect(isNetwork(text)).toBe(expected)
})
