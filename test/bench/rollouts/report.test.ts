import { expect, test } from 'vitest'
import { isMet } from '../report.ts'
import { targetsOf } from './report.ts'
import type { ScenarioResult } from './tally.ts'

const good: ScenarioResult = {
  name: 'blue-green',
  requests: 1_000,
  failed: 0,
  p99_ms: 20,
  p99_ms_quiet: 10,
  p99_ms_control: 3,
  p99_ms_control_quiet: 2,
  seconds: 42,
  outcome: 'Promoted',
}
const missed = (result: ScenarioResult) =>
  targetsOf([result])
    .filter((target) => !isMet(target))
    .map(({ name }) => name)

test('a rollout that no client noticed meets every target', () => {
  expect(missed(good)).toEqual([])
})

test.each([
  [{ failed: 1 }, /requests that failed/],
  [{ outcome: 'failed' }, /ends as it should/],
  [{ p99_ms: 31 }, /p99/],
  [{ seconds: 61 }, /seconds until promoted/],
  [{ name: 'instant-rollback', last_answer_s: 3.2 }, /new version answered last/],
])('%o is missed', (change, name) => {
  expect(missed({ ...good, ...change })).toEqual([expect.stringMatching(name)])
})
