import { expect, test } from 'vitest'
import { inWords, parseDurations, spent } from './durations.ts'

test.each([
  [0.2, '1 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [90, '1 min 30 s'],
  [480, '8 min'],
])('%d seconds are %s', (seconds, words) => {
  expect(inWords(seconds)).toBe(words)
})

test('values that are no durations are ignored', () => {
  expect(parseDurations('{"a": 3, "b": "soon", "c": -1}')).toEqual({ a: 3 })
  expect(parseDurations('null')).toEqual({})
})

test('a step that takes longer than usual says so', () => {
  expect(spent(120, 480)).toBe('2 min of usually 8 min')
  expect(spent(660, 480)).toBe('11 min, longer than the usual 8 min')
})
