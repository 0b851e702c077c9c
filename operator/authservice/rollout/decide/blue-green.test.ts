import { describe, expect, test } from 'vitest'
import {
  atRest,
  followServices,
  measureTraffic,
  passTime,
  type SimulatedCluster,
  simulatedPolicy,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { controllersAct, decide, longRun, reconcile, run } from '../../../../test/unit/rollout/simulated-reconcile.ts'

describe('blue-green', () => {
  const rollout = (fields: Partial<SimulatedCluster> = {}) => atRest({ specRevision: 'r2', ...fields })

  test('passes every phase and keeps the pods of the old colour for the delay', () => {
    const { cluster, phases } = run(rollout(), longRun)
    expect(phases).toEqual(['Preparing', 'Testing', 'Promoting', 'Verifying', 'Retiring', 'Stable'])
    expect(cluster).toMatchObject({
      serviceColor: 'green',
      deployments: { green: { revision: 'r2', ready: 2 }, blue: { revision: 'r1', replicas: 0 } },
      record: { currentRevision: 'r2', lastOutcome: 'Promoted', failedRevision: undefined },
    })
  })

  test('waits for a user for any length of time, with manual promotion', () => {
    const manual = rollout({ policy: { ...simulatedPolicy, promotion: 'Manual' } })
    const { cluster } = run(run(manual).cluster, { secondsPerStep: 3600 })
    expect(cluster).toMatchObject({ serviceColor: 'blue', record: { phase: 'AwaitingPromotion' } })
    expect(decide({ ...cluster, actions: { promote: 'r1' } }).activeColor).toBe('blue')
    expect(run({ ...cluster, actions: { promote: 'r2' } }, longRun).cluster.record).toMatchObject({
      currentRevision: 'r2',
    })
  })

  test('waits for autoPromoteAfterSeconds', () => {
    const slow = rollout({ policy: { ...simulatedPolicy, autoPromoteAfterSeconds: 120 } })
    const { cluster } = run(slow, { steps: 20 })
    expect(cluster.record.phase).toBe('AwaitingPromotion')
    expect(decide(cluster).requeueAfterSeconds).toBeGreaterThan(90)
    expect(decide(passTime(cluster, 120)).activeColor).toBe('green')
  })

  test('the new colour follows the count of the live one, and receives the traffic only with the same number of pods', () => {
    const { cluster } = run(rollout({ autoscaled: true, policy: { ...simulatedPolicy, promotion: 'Manual' } }))
    const scaled = {
      ...cluster,
      deployments: { ...cluster.deployments, blue: { revision: 'r1', replicas: 8, ready: 8, old: 0 } },
      actions: { promote: 'r2' },
    }
    expect(decide(scaled)).toMatchObject({ activeColor: 'blue', counts: { green: 8 } })
    const { cluster: after } = run(scaled, { steps: 20 })
    expect(after.serviceColor).toBe('green')
    expect(after.deployments.green?.ready).toBeGreaterThanOrEqual(8)
  })

  test.each([
    ['r2-unready', 'DeadlineExceeded', 'Preparing'],
    ['r2-failing', 'RolledBack', 'Testing'],
  ] as const)('%s never gets traffic and ends as %s', (specRevision, lastOutcome, lastPhase) => {
    const { cluster, phases } = run(rollout({ specRevision }), longRun)
    expect(phases.slice(-3)).toEqual([lastPhase, 'RollingBack', 'Stable'].slice(-3))
    expect(cluster).toMatchObject({
      serviceColor: 'blue',
      deployments: { green: { replicas: 0 } },
      record: { currentRevision: 'r1', lastOutcome, failedRevision: specRevision },
    })
    expect(decide(cluster).failure).toMatch(/was not rolled out/)
  })

  test.each(['BlueGreen', 'RollingUpdate'] as const)(
    'by %s, a revision whose pods never become ready misses its deadline, although no event starts a reconcile',
    (strategy) => {
      const policy = { ...simulatedPolicy, strategy, analysisEnabled: false }
      const { cluster } = run(rollout({ specRevision: 'r2-unready', policy }), { steps: 5 })
      expect(cluster.record).toMatchObject({ phase: 'Preparing', lastOutcome: undefined })
      const { requeueAfterSeconds } = decide(cluster)
      expect(requeueAfterSeconds).toBeDefined()
      expect(decide(passTime(cluster, requeueAfterSeconds ?? 0)).record.lastOutcome).toBe('DeadlineExceeded')
    },
  )

  test('traffic returns to the old colour when the new one is worse', () => {
    const { cluster, phases } = run(rollout({ specRevision: 'r2-slow' }), longRun)
    expect(phases.slice(-4)).toEqual(['Promoting', 'Verifying', 'RollingBack', 'Stable'])
    expect(cluster).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { ready: 2 }, green: { replicas: 0 } },
      record: { lastOutcome: 'RolledBack', failedRevision: 'r2-slow' },
    })
  })

  test('without autoRollback, a worse revision waits for a user, who may abort or promote', () => {
    const start = rollout({ specRevision: 'r2-slow', policy: { ...simulatedPolicy, autoRollback: false } })
    const { cluster } = run(start, longRun)
    expect(cluster).toMatchObject({ serviceColor: 'green', record: { phase: 'Verifying' } })
    expect(decide(cluster).failure).toMatch(/failed the analysis/)
    const aborted = run({ ...cluster, actions: { abort: 'r2-slow' } }, longRun).cluster
    expect(aborted).toMatchObject({ serviceColor: 'blue', record: { lastOutcome: 'Aborted' } })
    const promoted = run({ ...cluster, actions: { promote: 'r2-slow' } }, longRun).cluster
    expect(promoted).toMatchObject({ serviceColor: 'green', record: { lastOutcome: 'Promoted' } })
  })

  test('a promotion within the analysis window counts immediately, and is not lost', () => {
    const start = rollout({ specRevision: 'r2-slow', policy: { ...simulatedPolicy, autoRollback: false } })
    const { cluster } = run(start, longRun)
    const within = measureTraffic(passTime(cluster, -3600))
    expect(decide(within).failure).toMatch(/failed the analysis/)
    const { cluster: promoted } = run({ ...within, actions: { promote: 'r2-slow' } })
    expect(promoted).toMatchObject({ serviceColor: 'green', record: { lastOutcome: 'Promoted' } })
  })

  test('an aborted rollout leaves nothing running and is not retried until the spec changes', () => {
    const { cluster } = run(rollout(), { steps: 3 })
    const aborted = run({ ...cluster, actions: { abort: 'r2' } }, longRun).cluster
    expect(aborted).toMatchObject({ deployments: { green: { replicas: 0, ready: 0 } }, record: { phase: 'Stable' } })
    expect(run({ ...aborted, specRevision: 'r3' }, longRun).cluster.record.currentRevision).toBe('r3')
    const back = run({ ...aborted, specRevision: 'r1' }).cluster
    expect(run({ ...back, specRevision: 'r2' }, longRun).cluster.record.currentRevision).toBe('r2')
  })

  test('an aborted rollback leaves the stable revision in place, and nothing has failed', () => {
    const started = run({ ...rollout({ specRevision: 'r1' }), actions: { rollbackTo: 'r2' } }, { steps: 3 }).cluster
    expect(started.record).toMatchObject({ revision: 'r2', phase: 'Preparing' })
    const { cluster } = run({ ...started, actions: { abort: 'r2' } }, longRun)
    expect(cluster).toMatchObject({ serviceColor: 'blue', record: { phase: 'Stable', currentRevision: 'r1' } })
    expect(cluster.record).toMatchObject({ lastOutcome: 'Aborted', failedRevision: undefined, pin: undefined })
    expect(decide(cluster)).toMatchObject({ failure: undefined, complete: true })
  })

  test('an aborted rollback leaves the stable revision in place, although the revision of the spec failed', () => {
    const failed = run(rollout({ specRevision: 'r2-slow' }), longRun).cluster
    const started = run({ ...failed, actions: { rollbackTo: 'r3' } }, { steps: 3 }).cluster
    const { cluster } = run({ ...started, actions: { abort: 'r3' } }, longRun)
    expect(cluster.record).toMatchObject({ phase: 'Stable', currentRevision: 'r1', pin: { revision: 'r1' } })
    expect(decide(cluster)).toMatchObject({ revision: 'r1', failure: undefined })
  })

  test('a failed rollback is retried when a user requests the revision again', () => {
    const failed = run({ ...rollout({ specRevision: 'r1' }), actions: { rollbackTo: 'r2-refused' } }, longRun).cluster
    expect(failed.record).toMatchObject({ failedRevision: 'r2-refused', currentRevision: 'r1' })
    const again = reconcile({ ...failed, actions: { rollbackTo: 'r2-refused' } })
    expect(again.record).toMatchObject({ phase: 'Preparing', revision: 'r2-refused', failedRevision: undefined })
    expect(again.record.startedAt, 'another attempt has other Jobs').not.toEqual(failed.record.startedAt)
  })

  test('a third spec in the middle replaces the second one', () => {
    const { cluster } = run(rollout(), { steps: 4 })
    const { cluster: after } = run({ ...cluster, specRevision: 'r3' }, longRun)
    expect(after).toMatchObject({ serviceColor: 'green', record: { currentRevision: 'r3' } })
  })

  test('a spec that is reverted during a rollout does not affect the live colour', () => {
    const { cluster } = run(rollout(), { steps: 4 })
    const { cluster: after } = run({ ...cluster, specRevision: 'r1' }, longRun)
    expect(after).toMatchObject({
      serviceColor: 'blue',
      deployments: { green: { replicas: 0 } },
      record: { currentRevision: 'r1', lastOutcome: 'Superseded' },
    })
  })

  test('a third spec after the switch first rolls back to a revision that is known to work', () => {
    let cluster = rollout()
    while (cluster.record.phase !== 'Verifying') cluster = controllersAct(reconcile(cluster))
    const { cluster: back } = run({ ...cluster, specRevision: 'r3' }, { steps: 1 })
    expect(back).toMatchObject({ serviceColor: 'blue', record: { phase: 'RollingBack', lastOutcome: 'Superseded' } })
    expect(run(back, longRun).cluster).toMatchObject({ serviceColor: 'green', record: { currentRevision: 'r3' } })
  })

  test('rollback-to is instant while the old colour has pods, and holds until the spec changes', () => {
    let cluster = rollout()
    while (cluster.record.phase !== 'Retiring')
      cluster = passTime(controllersAct(measureTraffic(reconcile(cluster))), 10)
    cluster = followServices(cluster)
    const first = decide({ ...cluster, actions: { rollbackTo: 'r1' } })
    expect(first).toMatchObject({ activeColor: 'blue', record: { pin: { revision: 'r1', insteadOf: 'r2' } } })
    const after = run({ ...cluster, actions: { rollbackTo: 'r1' } }, longRun).cluster
    expect(after).toMatchObject({ serviceColor: 'blue', specRevision: 'r2', record: { currentRevision: 'r1' } })
    expect(run({ ...after, specRevision: 'r3' }, longRun).cluster.record.currentRevision).toBe('r3')
  })

  test('a deadline survives a restart of the operator, and a clock that goes backwards only extends it', () => {
    const { cluster } = run(rollout({ specRevision: 'r2-unready' }), { steps: 5 })
    expect(decide(passTime(cluster, 700)).record.lastOutcome).toBe('DeadlineExceeded')
    expect(decide(passTime(cluster, -3600)).record).toMatchObject({ phase: 'Preparing', lastOutcome: undefined })
  })
})

test('a promotion that is requested while the traffic is still returning from another revision is not lost', () => {
  const rollingBack = atRest({
    specRevision: 'r3',
    policy: { ...simulatedPolicy, promotion: 'Manual' },
    serviceColor: 'green',
    endpoints: { blue: 0, green: 2 },
    deployments: {
      blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 },
      green: { revision: 'r2', replicas: 2, ready: 2, old: 0 },
    },
    actions: { promote: 'r3' },
  })
  expect(decide(rollingBack).record.phase).toBe('RollingBack')
  expect(run(rollingBack, longRun).cluster.record).toMatchObject({ currentRevision: 'r3', lastOutcome: 'Promoted' })
})

test('a revision that is requested again right after it lost the traffic keeps its pods while requests still arrive', () => {
  const returning = atRest({
    autoscaled: true,
    specRevision: 'r2',
    endpoints: { blue: 0, green: 2 },
    deployments: {
      blue: { revision: 'r1', replicas: 1, ready: 1, old: 0 },
      green: { revision: 'r2', replicas: 2, ready: 2, old: 0 },
    },
    migration: { revision: 'r2', startedAt: undefined, state: 'done' },
  })
  expect(decide(returning).counts).not.toHaveProperty('green')
  expect(decide(followServices(returning)).counts).toEqual({ green: 1 })
})

test('an operator that terminates right after a late promotion does not roll it back', () => {
  const manual = atRest({ specRevision: 'r2', policy: { ...simulatedPolicy, promotion: 'Manual' } })
  const waited = passTime(run(manual).cluster, 3600)
  const untilServices = 3
  const switched = reconcile({ ...waited, actions: { promote: 'r2' } }, untilServices)
  expect(switched).toMatchObject({ serviceColor: 'green', record: { phase: 'AwaitingPromotion' } })
  expect(run(switched, longRun).cluster.record).toMatchObject({ currentRevision: 'r2', lastOutcome: 'Promoted' })
})
