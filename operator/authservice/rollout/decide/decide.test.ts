import { describe, expect, test } from 'vitest'
import {
  atRest,
  losePod,
  observe,
  passTime,
  type SimulatedCluster,
  simulate,
  simulatedPolicy,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { decide, reconcile, run } from '../../../../test/unit/rollout/simulated-reconcile.ts'
import { decideRollout } from './decide.ts'
import { emptyRecord } from './record.ts'

test('the first revision starts in blue, without a test', () => {
  const { cluster, phases } = run(simulate())
  expect(phases).toEqual(['Preparing', 'Stable'])
  expect(cluster).toMatchObject({ serviceColor: 'blue', record: { currentRevision: 'r1', lastOutcome: undefined } })
})

test.each(['BlueGreen', 'RollingUpdate'] as const)(
  'a first revision that never served is replaced in its colour by the next revision of the spec (%s)',
  (strategy) => {
    const { cluster: stuck } = run(simulate({ specRevision: 'r2-unready', policy: { ...simulatedPolicy, strategy } }))
    expect(stuck.record.phase).toBe('Preparing')
    const corrected = { ...stuck, specRevision: 'r2' }
    expect(reconcile(corrected).record, 'the status meanwhile').toMatchObject({
      phase: 'Preparing',
      revision: 'r2',
    })
    const { cluster, phases } = run(corrected)
    expect(phases).toEqual(['Preparing', 'Stable'])
    expect(cluster).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { revision: 'r2', ready: 2 } },
      record: { currentRevision: 'r2', failedRevision: undefined },
    })
    expect(cluster.deployments.green).toBeUndefined()
  },
)

test('a first revision that an older operator marked as failed is retried', () => {
  const record = {
    ...emptyRecord,
    activeColor: 'blue',
    revision: 'r2',
    failedRevision: 'r2',
    failure: 'no answer',
  } as const
  const deployments = { blue: { revision: 'r2-unready', replicas: 2, ready: 0, old: 0 } }
  const { cluster } = run(simulate({ specRevision: 'r2', record, deployments, serviceColor: 'blue' }))
  expect(cluster.record).toMatchObject({ currentRevision: 'r2', failedRevision: undefined })
})

test('a live Deployment that an autoscaler left at zero gets a pod again', () => {
  const cluster = atRest({ autoscaled: true, deployments: { blue: { revision: 'r1', replicas: 0, ready: 0, old: 0 } } })
  expect(decide(cluster).counts).toEqual({ blue: 1 })
})

test('a fixed count is restored, and zero is a count', () => {
  expect(decide(atRest({ replicas: 4 })).counts).toEqual({ blue: 4 })
  const empty = run(atRest({ replicas: 0 })).cluster
  expect(empty.deployments.blue).toMatchObject({ replicas: 0, ready: 0 })
  expect(decide(empty)).toMatchObject({ complete: true, counts: {} })
})

test('a Service that was edited to select a colour without pods is restored', () => {
  const cluster = atRest({ serviceColor: 'green' })
  expect(decide(cluster).activeColor).toBe('blue')
})

test('adding pods to a stable revision is not a rollout: it stays complete while they start', () => {
  const { cluster } = run(atRest(), { steps: 5 })
  const scaled = reconcile({ ...cluster, replicas: 4 })
  expect(decide(scaled)).toMatchObject({ complete: true, failure: undefined, record: { phase: 'Stable' } })
  expect(decide(scaled).message).toMatch(/2 of 4 pods of blue/)
})

describe('while no rollout slot is free', () => {
  const decideWithoutSlot = (cluster: SimulatedCluster, wait = { inProgress: 10, limit: 10, ahead: 3 }) =>
    decideRollout({ ...observe(cluster), acquireSlot: () => wait }, cluster.record, new Date(cluster.now))
  const waiting = atRest({ specRevision: 'r2' })

  test('a new revision waits, reports the reason, is decided on again, and changes nothing', () => {
    const decision = decideWithoutSlot(waiting)
    expect(decision).toMatchObject({ templates: { blue: 'r1' }, complete: false, record: { phase: 'Stable' } })
    expect(decision.message).toMatch(
      /r2 is waiting for its turn: 10 other rollouts .*MAX_CONCURRENT_ROLLOUTS.*3 others have waited/,
    )
    const since = decision.record.waitingSince
    const later = decideWithoutSlot({ ...passTime(waiting, 60), record: decision.record })
    expect(later.record.waitingSince, 'it keeps its place in the queue').toEqual(since)
    expect(later.requeueAfterSeconds).toBeGreaterThan(0)
    const started = decide({ ...waiting, record: later.record })
    expect(started.record).toMatchObject({ phase: 'Preparing', revision: 'r2', waitingSince: undefined })
  })

  test.each<[string, SimulatedCluster]>([
    ['a first revision', simulate()],
    ['a rollback by name', { ...atRest(), actions: { rollbackTo: 'r2' } }],
    ['a rollout in progress', run(waiting, { steps: 3 }).cluster],
    ['a revision while a pod of the live one is missing, because it may be the repair', losePod(waiting, 'blue')],
  ])('%s continues', (_, cluster) => {
    expect(decideWithoutSlot(cluster)).toEqual(decide(cluster))
  })
})
