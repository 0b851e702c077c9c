import { expect, test } from 'vitest'
import {
  atRest,
  finishMigration,
  finishSmokeTest,
  followServices,
  rollDeployment,
  simulatedPolicy,
} from '../../../../test/unit/rollout/simulated-cluster.ts'
import { reconcile } from '../../../../test/unit/rollout/simulated-reconcile.ts'
import type { ObservedColor } from './observation.ts'
import { paced } from './pace.ts'

function color(replicas: number, readyReplicas: number): ObservedColor {
  const pods = { updatedReplicas: replicas, availableReplicas: readyReplicas, totalReplicas: replicas }
  return { revision: 'r1', replicas, readyReplicas, ...pods, problem: undefined, current: true }
}

const three = color(3, 3)

test.each([
  ['25%', 'a quarter of the serving pods starts at a time', three, 10, 4],
  ['25%', 'more start when more serve', color(6, 6), 10, 8],
  ['25%', 'none starts before the last ones are ready', color(6, 4), 10, 6],
  ['25%', 'the rest starts in the end', color(9, 9), 10, 10],
  [1, 'one by one', three, 10, 4],
  [0, 'one by one where updates stop an old pod first', three, 10, 4],
  ['100%', 'as many as serve', three, 10, 6],
  [7, 'that many at once', three, 10, 10],
  ['25%', 'pods that are not ready stay', color(6, 0), 10, 6],
  ['25%', 'fewer pods at once', color(10, 4), 3, 3],
] as const)('with maxSurge %s: %s', (maxSurge, _, blue, wanted, next) => {
  expect(paced({ policy: { ...simulatedPolicy, maxSurge }, colors: { blue, green: three } }, 'blue', wanted)).toBe(next)
})

test('a colour without a Deployment begins with the first pods', () => {
  expect(paced({ policy: { ...simulatedPolicy, maxSurge: '25%' }, colors: { blue: three } }, 'green', 10)).toBe(1)
  expect(paced({ policy: { ...simulatedPolicy, maxSurge: '25%' }, colors: { blue: color(10, 10) } }, 'green', 10)).toBe(
    3,
  )
})

test('while no pod serves, all start at once', () => {
  const policy = { ...simulatedPolicy, maxSurge: 1 }
  expect(paced({ policy, colors: {} }, 'blue', 3)).toBe(3)
  expect(paced({ policy, colors: { blue: color(1, 0) } }, 'blue', 3)).toBe(3)
})

test('a colour gets its pods one after the other, and all of them before the traffic moves to it', () => {
  const policy = { ...simulatedPolicy, maxSurge: 1 }
  const deployments = { blue: { revision: 'r1', replicas: 4, ready: 4, old: 0 } }
  const endpoints = { blue: 4, green: 0 }
  let cluster = atRest({ specRevision: 'r2', replicas: 4, deployments, endpoints, policy })
  const counts: number[] = []
  for (let turn = 0; turn < 40 && cluster.serviceColor === 'blue'; turn++) {
    cluster = reconcile(cluster)
    const green = cluster.deployments.green
    if (green !== undefined && green.replicas !== counts.at(-1)) counts.push(green.replicas)
    expect((green?.replicas ?? 0) - (green?.ready ?? 0), 'pods that start').toBeLessThanOrEqual(1)
    cluster = followServices(rollDeployment(finishSmokeTest(finishMigration(cluster)), 'green'))
  }
  expect(counts).toEqual([1, 2, 3, 4])
  expect(cluster.serviceColor).toBe('green')
})
