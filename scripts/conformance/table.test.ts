import { expect, test } from 'vitest'
import { countResults, hasFailure } from './table.ts'

test('a test that did not end has failed, and a warning passes', () => {
  expect(countResults(['PASSED', 'WARNING', 'REVIEW', 'SKIPPED', 'FAILED', 'did not end'])).toEqual({
    passed: 2,
    review: 1,
    skipped: 1,
    failed: 2,
  })
})

test('a run without a result is a failure', () => {
  expect(hasFailure({ basic: countResults(['PASSED', 'SKIPPED']) })).toBe(false)
  expect(hasFailure({ basic: countResults(['PASSED', 'FAILED']) })).toBe(true)
  expect(hasFailure({ basic: countResults(['SKIPPED']) })).toBe(true)
  expect(hasFailure({ basic: countResults([]) })).toBe(true)
  expect(hasFailure({})).toBe(true)
})
