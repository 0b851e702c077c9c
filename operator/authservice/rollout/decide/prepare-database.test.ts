import { describe, expect, test } from 'vitest'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  observe,
  rollDeployment,
  type SimulatedCluster,
  simulatedPolicy,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { decide, longRun, reconcile, run } from '../../../../test/unit/rollout/simulated-reconcile.ts'
import { decideRollout } from './decide.ts'

const roll = (cluster: SimulatedCluster) => followServices(rollDeployment(rollDeployment(cluster, 'blue'), 'green'))
/** Controllers whose migrations, or contractions, never complete. */
const withoutMigrations = (cluster: SimulatedCluster) => roll(finishContraction(finishSmokeTest(cluster)))
const withoutContractions = (cluster: SimulatedCluster) => roll(finishMigration(finishSmokeTest(cluster)))

describe.each(['BlueGreen', 'RollingUpdate'] as const)('%s', (strategy) => {
  const policy = { ...simulatedPolicy, strategy, progressDeadlineSeconds: 7200 }
  const rollout = (specRevision: string) => atRest({ specRevision, policy })
  const runningIn = ({ deployments }: SimulatedCluster) =>
    Object.values(deployments).flatMap(({ revision, replicas }) => (replicas > 0 ? [revision] : []))

  test('no pod of a revision starts before the database is migrated for it', () => {
    const waiting = run(rollout('r2'), { ...longRun, act: withoutMigrations }).cluster
    expect(runningIn(waiting)).toEqual(['r1'])
    expect(waiting.record.phase).toBe('Preparing')
    expect(decide(waiting).message).toBe('preparing the database: it runs')
    expect(runningIn(run(waiting, longRun).cluster)).toEqual(['r2'])
  })

  test('data that blocks the migration prevents every pod of the revision, is reported, and is retried only on request', () => {
    const refused = run(rollout('r2-refused'), longRun).cluster
    expect(runningIn(refused)).toEqual(['r1'])
    expect(refused.record).toMatchObject({ phase: 'Stable', lastOutcome: 'RolledBack', failedRevision: 'r2-refused' })
    expect(decide(refused).failure).toMatch(/its migration failed: 2 users have the same email: a, b/)
    const again = reconcile({ ...refused, actions: { rollbackTo: 'r2-refused' } })
    expect(again.migration).toMatchObject({ revision: 'r2-refused', state: 'running' })
    expect(again.record.phase).toBe('Preparing')
  })

  test('a migration that takes longer than the deadline fails the revision, whatever autoRollback says', () => {
    const late = { ...rollout('r2'), policy: { ...policy, autoRollback: false, progressDeadlineSeconds: 600 } }
    const { record } = run(late, { ...longRun, act: withoutMigrations }).cluster
    expect(record).toMatchObject({ lastOutcome: 'DeadlineExceeded', failedRevision: 'r2' })
    expect(record.failure).toMatch(/preparing the database: it runs/)
  })

  test('the database loses the objects that only earlier revisions needed, and then no earlier revision can run again', () => {
    const promoted = run(rollout('r2'), longRun).cluster
    expect(promoted.contractedTo).toBe('r2')
    const back = run({ ...promoted, actions: { rollbackTo: 'r1' } }, longRun).cluster
    expect(runningIn(back)).toEqual(['r2'])
    expect(back.record).toMatchObject({ lastOutcome: 'RolledBack', failedRevision: 'r1', currentRevision: 'r2' })
  })

  test('before that, a rollback still works', () => {
    const promoted = run(rollout('r2'), { ...longRun, act: withoutContractions }).cluster
    expect(promoted.contraction).toMatchObject({ revision: 'r2', state: 'running' })
    const back = run({ ...promoted, actions: { rollbackTo: 'r1' } }, longRun).cluster
    expect(runningIn(back)).toEqual(['r1'])
    expect(back).toMatchObject({ contraction: undefined, contractedTo: undefined })
  })

  test('the contraction runs once: pods that are missing later, in a drain or while the count increases, delete no Job', () => {
    const promoted = run(rollout('r2'), longRun).cluster
    const complete = observe(promoted)
    const color = promoted.serviceColor ?? 'blue'
    const live = complete.colors[color]
    if (live === undefined) throw new Error(`${color} has no Deployment`)
    const drained = {
      ...complete,
      colors: { ...complete.colors, [color]: { ...live, readyReplicas: 1, availableReplicas: 1 } },
    }
    for (const cluster of [complete, drained]) {
      expect(decideRollout(cluster, promoted.record, new Date(promoted.now)).contractionOf).toBe('r2')
    }
  })

  test('a terminating pod prevents the contraction', () => {
    const promoted = run(rollout('r2'), { ...longRun, act: withoutContractions }).cluster
    const draining = { ...observe(promoted), podRevisions: new Set(['r1', 'r2']) }
    expect(decideRollout(draining, promoted.record, new Date(promoted.now)).contractionOf).toBeUndefined()
  })
})

test('the first revision, and one that was not promoted, start no contraction', () => {
  expect(run(atRest(), longRun).cluster.contraction).toBeUndefined()
  expect(run(atRest({ specRevision: 'r2-failing' }), longRun).cluster.contraction).toBeUndefined()
})
