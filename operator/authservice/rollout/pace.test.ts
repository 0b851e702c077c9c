import { expect, test } from 'vitest'
import { paced } from './pace.ts'
import { visit } from './simulated-visit.ts'
import {
  atRest,
  finishMigration,
  finishSmokeTest,
  followServices,
  rollDeployment,
  simulatedPolicy,
} from './simulated-world.ts'
import type { ObservedColor } from './world.ts'

function color(replicas: number, readyReplicas: number): ObservedColor {
  const pods = { updatedReplicas: replicas, availableReplicas: readyReplicas, totalReplicas: replicas }
  return { revision: 'r1', replicas, readyReplicas, ...pods, trouble: undefined, current: true }
}

const three = color(3, 3)

test.each([
  ['25%', 'a quarter of those that serve starts at a time', three, 10, 4],
  ['25%', 'and a quarter of more when more serve', color(6, 6), 10, 8],
  ['25%', 'not before', color(6, 4), 10, 6],
  ['25%', 'and the rest at the end', color(9, 9), 10, 10],
  [1, 'one by one', three, 10, 4],
  [0, 'and one by one where updates make room first', three, 10, 4],
  ['100%', 'as many as serve', three, 10, 6],
  [7, 'so many at once', three, 10, 10],
  ['25%', 'pods that are not ready are not taken away', color(6, 0), 10, 6],
  ['25%', 'less is less at once', color(10, 4), 3, 3],
] as const)('with maxSurge %s: %s', (maxSurge, _, blue, wanted, next) => {
  expect(paced({ policy: { ...simulatedPolicy, maxSurge }, colors: { blue, green: three } }, 'blue', wanted)).toBe(next)
})

test('a colour that is not there yet begins with the first of them', () => {
  expect(paced({ policy: { ...simulatedPolicy, maxSurge: '25%' }, colors: { blue: three } }, 'green', 10)).toBe(1)
  expect(paced({ policy: { ...simulatedPolicy, maxSurge: '25%' }, colors: { blue: color(10, 10) } }, 'green', 10)).toBe(
    3,
  )
})

test('where no pod serves nothing is gained by waiting', () => {
  const policy = { ...simulatedPolicy, maxSurge: 1 }
  expect(paced({ policy, colors: {} }, 'blue', 3)).toBe(3)
  expect(paced({ policy, colors: { blue: color(1, 0) } }, 'blue', 3)).toBe(3)
})

test('a colour is prepared one pod after the other, and is whole before the traffic moves to it', () => {
  const policy = { ...simulatedPolicy, maxSurge: 1 }
  const deployments = { blue: { revision: 'r1', replicas: 4, ready: 4, old: 0 } }
  const endpoints = { blue: 4, green: 0 }
  let world = atRest({ specRevision: 'r2', replicas: 4, deployments, endpoints, policy })
  const counts: number[] = []
  for (let turn = 0; turn < 40 && world.serviceColor === 'blue'; turn++) {
    world = visit(world)
    const green = world.deployments.green
    if (green !== undefined && green.replicas !== counts.at(-1)) counts.push(green.replicas)
    expect((green?.replicas ?? 0) - (green?.ready ?? 0), 'pods that start').toBeLessThanOrEqual(1)
    world = followServices(rollDeployment(finishSmokeTest(finishMigration(world)), 'green'))
  }
  expect(counts).toEqual([1, 2, 3, 4])
  expect(world.serviceColor).toBe('green')
})
