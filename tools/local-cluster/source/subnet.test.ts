import { expect, test } from 'vitest'
import { freeSubnet } from './subnet.ts'

test('the subnet of an existing interface is not used again', () => {
  expect(freeSubnet(['127.0.0.1', '10.0.0.4'])).toBe('198.18.0')
  expect(freeSubnet(['198.18.0.1', '198.18.1.1', '198.18.10.1'])).toBe('198.18.2')
})
