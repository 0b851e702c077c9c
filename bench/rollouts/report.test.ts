import { expect, test } from 'vitest'
import { isMet } from '../report.ts'
import { targetsOf } from './report.ts'
import type { ScenarioResult } from './tally.ts'

const good: ScenarioResult = {
  name: 'blue-green',
  requests: 1_000,
  failed: 0,
  p99_ms: 20,
  p99_ms_control: 3,
  seconds: 42,
  outcome: 'Promoted',
}
const missed = (result: ScenarioResult) =>
  targetsOf([result])
    .filter((target) => !isMet(target))
    .map(({ name }) => name)

test('a rollout without failed requests meets every target, whatever its p99', () => {
  expect(missed(good)).toEqual([])
  expect(missed({ ...good, p99_ms: 500 })).toEqual([])
})

test.each([
  [{ failed: 1 }, /failed requests/],
  [{ outcome: 'failed' }, /expected outcome/],
  [{ seconds: 61 }, /seconds until promoted/],
  [{ name: 'instant-rollback', last_answer_s: 3.2 }, /last answer of the new version/],
])('%o misses a target', (change, name) => {
  expect(missed({ ...good, ...change })).toEqual([expect.stringMatching(name)])
})
