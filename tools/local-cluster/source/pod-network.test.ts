import { expect, test } from 'vitest'
import { bridgeConfiguration, parseNodes } from './pod-network.ts'

test('a node assigns pod addresses of its own range only', () => {
  const { plugins } = JSON.parse(bridgeConfiguration('10.244.3.0/24'))
  expect(plugins[0].ipam.ranges).toEqual([[{ subnet: '10.244.3.0/24' }]])
})

test('no firewall rule belongs to a single pod', () => {
  const { plugins } = JSON.parse(bridgeConfiguration('10.244.3.0/24'))
  expect(plugins).toEqual([expect.not.objectContaining({ ipMasq: true })])
})

test('a node without a range is reported as such', () => {
  const addresses = [
    { type: 'Hostname', address: 'a' },
    { type: 'InternalIP', address: '198.18.1.2' },
  ]
  const items = [
    { metadata: { name: 'a' }, spec: { podCIDR: '10.244.0.0/24' }, status: { addresses } },
    { metadata: { name: 'b' }, spec: {}, status: {} },
  ]
  expect(parseNodes(JSON.stringify({ items }))).toEqual([
    { name: 'a', podCidr: '10.244.0.0/24', internalIp: '198.18.1.2' },
    { name: 'b', podCidr: '', internalIp: '' },
  ])
})
