import { expect, test } from 'vitest'
import { isMet } from '../report.ts'
import { type StepResult, targetsOf } from './report.ts'

const good: StepResult = {
  name: 'operator-upgrade',
  requests: 100,
  failed: 0,
  p99_ms: 20,
  p99_ms_control: 2,
  seconds: 60,
  outcome: 'Promoted',
  rollouts_at_once: 2,
  waited: 1,
  databases_restarted: 0,
}

const missed = (change: Record<string, number | string>) =>
  targetsOf([{ ...good, ...change }], {
    maxConcurrentRollouts: 2,
    limitedSteps: ['operator-upgrade'],
    unlimitedSteps: ['operator-downgrade'],
  })
    .filter((target) => !isMet(target))
    .map(({ name }) => name)

test.each<[string, Record<string, number | string>, string[]]>([
  ['nothing', {}, []],
  ['a failed request', { failed: 1 }, ['operator-upgrade: failed requests']],
  ['a step that failed', { outcome: 'failed' }, ['operator-upgrade: expected outcome (failed)']],
  ['too many rollouts', { rollouts_at_once: 3 }, ['operator-upgrade: rollouts at the same time']],
  ['three rollouts of an operator without a limit', { name: 'operator-downgrade', rollouts_at_once: 3 }, []],
  ['a limit that never applied', { waited: 0 }, ['operator-upgrade: AuthServices that waited']],
  ['a database that restarted', { databases_restarted: 1 }, ['operator-upgrade: database pods that restarted']],
])('%s misses a target', (_, change, names) => {
  expect(missed(change)).toEqual(names)
})
