import { describe, expect, test } from 'vitest'
import {
  atRest,
  observe,
  type SimulatedCluster,
  simulatedPolicy,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { decide, longRun, run } from '../../../../test/unit/rollout/simulated-reconcile.ts'
import { decideRollout } from './decide.ts'

describe('rolling update', () => {
  const policy = { ...simulatedPolicy, strategy: 'RollingUpdate' } as const
  const rollout = (fields: Partial<SimulatedCluster> = {}) => atRest({ specRevision: 'r2', policy, ...fields })

  test('replaces the pods of the live colour and analyses their traffic', () => {
    const { cluster, phases } = run(rollout(), longRun)
    expect(phases).toEqual(['Preparing', 'Verifying', 'Stable'])
    expect(cluster).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { revision: 'r2', ready: 2, old: 0 } },
      record: { currentRevision: 'r2', lastOutcome: 'Promoted' },
    })
    expect(cluster.deployments.green).toBeUndefined()
  })

  test.each([
    ['r2-unready', 'DeadlineExceeded'],
    ['r2-slow', 'RolledBack'],
  ] as const)('%s: the stable template is restored', (specRevision, lastOutcome) => {
    const { cluster } = run(rollout({ specRevision }), longRun)
    expect(cluster).toMatchObject({
      deployments: { blue: { revision: 'r1', ready: 2, old: 0 } },
      record: { phase: 'Stable', lastOutcome, failedRevision: specRevision },
    })
  })

  test('without autoRollback, a revision that misses its deadline stays, and its failure is shown', () => {
    const { cluster } = run(
      rollout({ specRevision: 'r2-unready', policy: { ...policy, autoRollback: false } }),
      longRun,
    )
    expect(cluster.deployments.blue).toMatchObject({ revision: 'r2-unready', old: 2 })
    expect(decide(cluster).failure).toMatch(/not ready within 600 s/)
  })

  test('a change of the strategy changes no colour', () => {
    const decision = decide(atRest({ policy }))
    expect(decision).toMatchObject({ complete: true, counts: {}, activeColor: 'blue' })
  })
})

test('a rolling update waits for its new pod, with the reason, not for the old one that still serves', () => {
  const policy = { ...simulatedPolicy, strategy: 'RollingUpdate' as const }
  const { cluster } = run(atRest({ specRevision: 'r2-unready', policy, replicas: 1 }), { steps: 6 })
  const observed = { ...observe(cluster) }
  const { blue } = observed.colors
  if (blue === undefined) throw new Error('blue has no Deployment')
  const problem = 'pod a-blue-x is not ready: the index email_1 is missing'
  const colors = { blue: { ...blue, replicas: 1, updatedReplicas: 1, totalReplicas: 2, availableReplicas: 1, problem } }
  expect(decideRollout({ ...observed, colors }, cluster.record, new Date(cluster.now)).message).toMatch(
    /^waiting for 1 new pods of blue: pod a-blue-x is not ready: the index/,
  )
})
