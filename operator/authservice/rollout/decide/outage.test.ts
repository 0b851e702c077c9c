import { describe, expect, test } from 'vitest'
import {
  atRest,
  finishSmokeTest,
  passTime,
  type SimulatedCluster,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { controllersAct, decide, longRun, reconcile, run } from '../../../../test/unit/rollout/simulated-reconcile.ts'

describe('while MongoDB is unavailable', () => {
  test('a revision does not miss its deadline, its message gives the reason, and the deadline starts again after recovery', () => {
    const { cluster } = run(atRest({ specRevision: 'r2-unready' }), { steps: 5 })
    const outage = passTime({ ...cluster, hasOutage: true }, 700)
    expect(decide(outage).message).toMatch(
      /no server of any revision reaches MongoDB; this does not count against the revision/,
    )
    const recovered = { ...reconcile(outage), hasOutage: false }
    expect(decide(passTime(recovered, 590)).record.lastOutcome).toBeUndefined()
    expect(decide(passTime(recovered, 610)).record.lastOutcome).toBe('DeadlineExceeded')
  })

  test('the deadline of a revision that was about to receive the traffic starts again, too', () => {
    let cluster = atRest({ specRevision: 'r2' })
    while (cluster.record.phase !== 'Promoting') cluster = controllersAct(reconcile(cluster))
    const noEndpoints = { endpoints: { blue: 0, green: 0 } }
    const outage = reconcile(passTime({ ...cluster, ...noEndpoints, hasOutage: true }, 700))
    const recovered = { ...outage, hasOutage: false }
    expect(decide(passTime(recovered, 590)).record).toMatchObject({ phase: 'Promoting', lastOutcome: undefined })
    expect(decide(passTime(recovered, 610)).record.lastOutcome).toBe('DeadlineExceeded')
  })

  test('a revision with the traffic neither fails nor is promoted', () => {
    let cluster = atRest({ specRevision: 'r2-slow' })
    while (cluster.record.phase !== 'Verifying') cluster = controllersAct(reconcile(cluster))
    const outage = run({ ...cluster, hasOutage: true }, longRun).cluster
    expect(outage.record).toMatchObject({ phase: 'Verifying', failedRevision: undefined, currentRevision: 'r1' })
    expect(run({ ...outage, hasOutage: false }, longRun).cluster.record).toMatchObject({ failedRevision: 'r2-slow' })
  })

  describe('a smoke test', () => {
    /** A cluster in which the smoke test runs. */
    const inTest = (specRevision: string) => {
      let cluster = reconcile(atRest({ specRevision }))
      while (cluster.record.phase !== 'Testing') cluster = reconcile(controllersAct(cluster))
      return cluster
    }
    const inOutage = (cluster: SimulatedCluster) => ({ ...cluster, hasOutage: true })

    test('that fails is repeated after recovery, and the revision is promoted', () => {
      const failed = finishSmokeTest(inOutage(inTest('r2')))
      expect(failed.smokeTest).toMatchObject({ state: 'failed' })
      const waiting = reconcile(reconcile(failed))
      expect(decide(waiting).message).toBe(
        'the smoke test starts again (repetition 1 of at most 3) once the outage is over; no server of any revision reaches MongoDB; this does not count against the revision',
      )
      expect(decide(waiting)).toMatchObject({ smokeTestOf: undefined, record: { failedRevision: undefined } })
      const late = passTime(waiting, 3600)
      const { cluster } = run({ ...late, hasOutage: false }, longRun)
      expect(cluster.record).toMatchObject({ currentRevision: 'r2', lastOutcome: 'Promoted', retest: undefined })
    })

    test('that fails in an outage that has ended before the operator sees the failure is repeated', () => {
      const failed = finishSmokeTest(reconcile(inOutage(inTest('r2'))))
      const { cluster } = run({ ...failed, hasOutage: false }, longRun)
      expect(cluster.record).toMatchObject({ currentRevision: 'r2', lastOutcome: 'Promoted' })
    })

    test('does not start before recovery', () => {
      const before = { ...inTest('r2'), smokeTest: undefined, hasOutage: true }
      expect(decide(before)).toMatchObject({ smokeTestOf: undefined, record: { phase: 'Testing' } })
      expect(decide({ ...reconcile(before), hasOutage: false }).smokeTestOf).toBe('r2')
    })

    test('that an operator started after a long outage does not miss its deadline if the operator terminates before recording it', () => {
      const delayed = reconcile({ ...inTest('r2'), smokeTest: undefined, hasOutage: true })
      const recovered = { ...passTime(delayed, 3600), hasOutage: false }
      const untilStatus = 5
      const died = reconcile(recovered, untilStatus)
      expect(died).toMatchObject({ smokeTest: { revision: 'r2', state: 'running' }, record: { phase: 'Testing' } })
      expect(run(died, longRun).cluster.record).toMatchObject({ currentRevision: 'r2', lastOutcome: 'Promoted' })
    })

    test('that also fails after recovery fails the revision', () => {
      const failed = finishSmokeTest(inOutage(inTest('r2-failing')))
      const { cluster } = run({ ...reconcile(failed), hasOutage: false }, longRun)
      expect(cluster.record).toMatchObject({ currentRevision: 'r1', failedRevision: 'r2-failing' })
    })

    test('that fails in an outage each time counts in the end', () => {
      let cluster = inTest('r2')
      for (let outage = 0; outage < 4; outage++) {
        cluster = finishSmokeTest(inOutage(cluster))
        if (outage < 3) cluster = reconcile({ ...reconcile(cluster), hasOutage: false })
      }
      expect(decide(cluster).record).toMatchObject({
        failedRevision: 'r2',
        failure: 'the smoke test failed: 4 times, most recently with: login answered 503',
      })
    })
  })

  test('the traffic does not move', () => {
    const switched = atRest({
      serviceColor: 'green',
      hasOutage: true,
      deployments: {
        blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 },
        green: { revision: 'r2', replicas: 2, ready: 2, old: 0 },
      },
      specRevision: 'r2',
    })
    expect(decide(switched).activeColor).toBe('green')
  })
})
