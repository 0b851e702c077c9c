import { expect, test } from 'vitest'
import { perSecond } from './log-ins.ts'

test('a rate counts intervals, not events: three events in two seconds are one a second', () => {
  expect(perSecond([500, 1_500, 2_500])).toBe(1)
  expect(() => perSecond([500])).toThrow('too few events')
})
