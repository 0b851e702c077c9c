import { expect, test } from 'vitest'
import { median, rounded, spread } from './statistics.ts'

test('the median is the middle value, or the mean of the two middle values', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
  expect(() => median([])).toThrow('there are no values')
})

test('the spread is the distance between the extremes as a share of the median', () => {
  expect(spread([90, 100, 110])).toBeCloseTo(0.2)
  expect(spread([5, 5])).toBe(0)
})

test('figures are rounded to significant digits', () => {
  expect(rounded(0.123456)).toBe(0.123)
  expect(rounded(28_765.4321)).toBe(28_765)
})
