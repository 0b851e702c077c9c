import { expect, test } from 'vitest'
import { failuresOf, isGreen, sum, summary, tallyOf } from './tally.ts'

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1, testResults: [] }

const unloadable = { name: 'b.test.ts', status: 'failed', message: 'Cannot find module x', assertionResults: [] }

test('counts the results that vitest reports', () => {
  expect(tallyOf(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 2 })
})

test('a file that cannot be loaded is a failure, although it has no failed test', () => {
  const broken = { ...report, numFailedTests: 0, testResults: [unloadable] }
  expect(tallyOf(broken, 1).failed).toBe(1)
})

test('a run that ends badly without a failed test or a report is a failure', () => {
  expect(tallyOf({ ...report, numFailedTests: 0 }, 1).failed).toBe(1)
  expect(tallyOf(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('names what failed: a test, a file that cannot be loaded, or a run outside of any test', () => {
  const ran = {
    name: 'a.test.ts',
    status: 'failed',
    message: '',
    assertionResults: [
      { status: 'passed', fullName: 'adds', failureMessages: [] },
      { status: 'failed', fullName: 'divides', failureMessages: ['Expected 2'] },
    ],
  }
  expect(failuresOf({ ...report, testResults: [ran, unloadable] }, 1, '')).toEqual([
    'a.test.ts: divides\nExpected 2',
    'b.test.ts: Cannot find module x',
  ])
  expect(failuresOf(report, 1, 'Unhandled rejection\n')).toEqual([
    'Outside of any test, exit code 1:\nUnhandled rejection',
  ])
  const teardown = 'a warning\nerror during close Error: not seen:\na 429\n    at teardown (a.ts:1)\n'
  expect(failuresOf({ ...report, testResults: [unloadable] }, 1, teardown)).toEqual([
    'b.test.ts: Cannot find module x',
    'Outside of any test: error during close Error: not seen:\na 429',
  ])
  expect(failuresOf(report, 0, 'a warning')).toEqual([])
})

test('the last line of the summary counts everything', () => {
  const results = [
    { name: 'unit', tally: { passed: 2, failed: 0, skipped: 0 }, seconds: 1.4, failures: ['a.test.ts: adds'] },
    { name: 'e2e', tally: { passed: 0, failed: 0, skipped: 1 }, seconds: 0, skippedBecause: 'no Docker' },
  ]
  expect(summary(results).split('\n')).toEqual([
    'unit: a.test.ts: adds',
    '',
    '  unit  2 passed, 0 failed, 0 skipped in 1 s',
    '  e2e   skipped: no Docker',
    '',
    '2 passed, 0 failed, 1 skipped',
  ])
})

test('success needs a passed test, no failed one, and no skipped one where none may be skipped', () => {
  const passed = { passed: 1, failed: 0, skipped: 0 }
  const skipped = { passed: 1, failed: 0, skipped: 1 }
  expect(isGreen(passed, { maySkip: false })).toBe(true)
  expect(isGreen(sum([]), { maySkip: true })).toBe(false)
  expect(isGreen({ ...passed, failed: 1 }, { maySkip: true })).toBe(false)
  expect(isGreen(skipped, { maySkip: true })).toBe(true)
  expect(isGreen(skipped, { maySkip: false })).toBe(false)
})
