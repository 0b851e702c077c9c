import { expect, test } from 'vitest'
import { parseQuantity, sameQuantity } from './quantity.ts'

test.each([
  ['1000m', '1'],
  ['1Gi', '1024Mi'],
  ['0.5', '500m'],
  ['1e3', '1k'],
  ['1.5Gi', '1536Mi'],
  ['0', '0'],
])('%s and %s are the same amount', (one, other) => {
  expect(sameQuantity(one, other)).toBe(true)
})

test.each([
  ['1G', '1Gi'],
  ['100m', '100'],
  ['25%', '25'],
  ['', ''],
])('%s and %s are not the same amount', (one, other) => {
  expect(sameQuantity(one, other)).toBe(false)
})

test('a text that is not a quantity has no amount', () => {
  expect(parseQuantity('1Zi')).toBeUndefined()
  expect(parseQuantity('many')).toBeUndefined()
})
