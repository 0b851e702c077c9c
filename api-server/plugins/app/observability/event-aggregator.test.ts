import { expect, test } from 'vitest'
import { type AggregatedEvent, EventAggregator } from './event-aggregator.ts'

function aggregatorOf({ maxSubjects = 2, maxReported = 1 } = {}) {
  const atOnce: string[] = []
  const ended: AggregatedEvent<string>[] = []
  const aggregator = new EventAggregator<string>({
    maxSubjects: () => maxSubjects,
    further: () => 'further',
    maxReported,
    onReport: (entry) => atOnce.push(entry),
    onEnd: (aggregated) => ended.push(aggregated),
  })
  return { aggregator, atOnce, ended }
}

test('the first of each subject is reported at once, and all of them once more with their count', () => {
  const { aggregator, atOnce, ended } = aggregatorOf()
  for (const [entry, now] of [
    ['a1', 1],
    ['a2', 2],
    ['b1', 3],
    ['a3', 4],
  ] as const)
    aggregator.add('kind', entry[0] ?? '', entry, now)
  expect(atOnce).toEqual(['a1', 'b1'])
  aggregator.flush()
  expect(ended).toEqual([
    { entry: 'a1', firstAt: 1, count: 3 },
    { entry: 'b1', firstAt: 3, count: 1 },
  ])
  aggregator.flush()
  expect(ended).toHaveLength(2)
})

test('a flood of subjects becomes one, and takes no place from another kind', () => {
  const { aggregator, atOnce, ended } = aggregatorOf()
  for (let index = 0; index < 1_000; index++) aggregator.add('flood', `subject ${index}`, `entry ${index}`, index)
  aggregator.add('other', 'subject', 'important', 5)
  expect(atOnce).toEqual(['entry 0', 'entry 1', 'further', 'important'])
  aggregator.flush()
  expect(ended.map(({ entry, count }) => [entry, count])).toEqual([
    ['entry 0', 1],
    ['entry 1', 1],
    ['further', 998],
    ['important', 1],
  ])
})

test('the first few can be reported one by one', () => {
  const { aggregator, atOnce } = aggregatorOf({ maxReported: 3 })
  for (let index = 0; index < 9; index++) aggregator.add('kind', 'subject', String(index), index)
  expect(atOnce).toEqual(['0', '1', '2'])
})
