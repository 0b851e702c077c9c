import { expect, test } from 'vitest'
import { componentLabel, revisionLabel } from '../../model/labels.ts'
import { databasesUnavailableToAll } from './watch.ts'

const up = 'mongodb_up 1\nredis_up 1'
const noMongoDb = 'mongodb_up 0\nredis_up 1'

/** Metrics of pods by revision; undefined: the pod does not answer. */
function awayFor(revision: string, pods: [revision: string, metrics: string | undefined][]) {
  const named = pods.map(([of, metrics], index) => ({ name: `pod-${index}`, of, metrics }))
  return databasesUnavailableToAll(
    {
      pods: named.map(({ name, of }) => ({
        metadata: { name, labels: { [componentLabel]: 'server', [revisionLabel]: of } },
      })),
      serverMetrics: new Map(named.map(({ name, metrics }) => [name, metrics])),
    },
    revision,
  )
}

test.each<[string, Parameters<typeof awayFor>[1], string[]]>([
  [
    'servers that stay ready say that MongoDB is unavailable, and so do new ones',
    [
      ['r1', noMongoDb],
      ['r2', noMongoDb],
    ],
    ['MongoDB'],
  ],
  ['no new one has started', [['r1', noMongoDb]], ['MongoDB']],
  [
    'only the new revision misses it: its address is wrong',
    [
      ['r1', up],
      ['r2', noMongoDb],
    ],
    [],
  ],
  [
    'one old server of two misses it',
    [
      ['r1', up],
      ['r1', noMongoDb],
      ['r2', noMongoDb],
    ],
    [],
  ],
  ['there are no others to compare with', [['r2', noMongoDb]], []],
  [
    'no server answers',
    [
      ['r1', undefined],
      ['r2', undefined],
    ],
    [],
  ],
])('an outage does not count against a revision, but a wrong address does: %s', (_when, pods, expected) => {
  expect(awayFor('r2', pods)).toEqual(expected)
})
