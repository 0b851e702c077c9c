import { expect, test } from 'vitest'
import { perSecond } from './logins.ts'

test('a rate counts intervals: three events in two seconds are one per second', () => {
  expect(perSecond([500, 1_500, 2_500])).toBe(1)
  expect(() => perSecond([500])).toThrow('too few events')
})
