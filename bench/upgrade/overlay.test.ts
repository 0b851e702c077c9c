import { expect, test } from 'vitest'
import { helperTagFor } from './overlay.ts'

test('a helper image that a release pins to the previous version stays the previous image', () => {
  expect(helperTagFor('example.com/api-server:0.1.0', 'old', 'new')).toBe('old')
  expect(helperTagFor('example.com/api-server:0.2.0', 'old', 'new')).toBe('new')
  expect(helperTagFor(undefined, 'old', 'new')).toBeUndefined()
})
