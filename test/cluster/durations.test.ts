import { expect, test } from 'vitest'
import { inWords, parseDurations } from './durations.ts'

test.each([
  [0.2, '1 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [90, '1 min 30 s'],
  [480, '8 min'],
])('%d seconds are said as %s', (seconds, words) => {
  expect(inWords(seconds)).toBe(words)
})

test('what is not a duration is left out', () => {
  expect(parseDurations('{"a": 3, "b": "soon", "c": -1}')).toEqual({ a: 3 })
  expect(parseDurations('null')).toEqual({})
})
