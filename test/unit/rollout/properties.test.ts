import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Color, colors } from '../../../operator/authservice/model/colors.ts'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  losePod,
  measureTraffic,
  passTime,
  rollDeployment,
  type SimulatedCluster,
  setOutage,
  simulatedPolicy,
} from './simulated-cluster.ts'
import { decide, reconcile, step } from './simulated-reconcile.ts'

/**
 * Random histories of clusters that are too large for `every-order.test.ts`: an autoscaler, any policy, any kind of
 * revision, user actions, outages, drains, a clock that jumps, and an operator that terminates.
 */
interface Event {
  name: string
  happen: (cluster: SimulatedCluster) => SimulatedCluster
  /** A write of the operator. Other clients may change counts. */
  isReconcile?: true
}

/** The autoscaler scales the Deployment that it targets, and ignores one with zero replicas. */
function autoscale(cluster: SimulatedCluster, replicas: number): SimulatedCluster {
  const live = cluster.serviceColor && cluster.deployments[cluster.serviceColor]
  if (!cluster.autoscaled || cluster.serviceColor === undefined || live === undefined || live.replicas === 0)
    return cluster
  return { ...cluster, deployments: { ...cluster.deployments, [cluster.serviceColor]: { ...live, replicas } } }
}

const revisions = ['r1', 'r2', 'r3', 'r2-slow', 'r2-failing', 'r2-unready', 'r2-refused'] as const
const ofColor = (name: string, happen: (cluster: SimulatedCluster, color: Color) => SimulatedCluster) =>
  fc.constantFrom(...colors).map((color): Event => ({ name: `${name} ${color}`, happen: (w) => happen(w, color) }))
const always = (name: string, happen: Event['happen']) => fc.constant<Event>({ name, happen })

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constant<Event>({ name: 'a reconcile', happen: (cluster) => reconcile(cluster), isReconcile: true }),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 5 }).map(
      (writes): Event => ({
        name: `dies after ${writes}`,
        happen: (cluster) => reconcile(cluster, writes),
        isReconcile: true,
      }),
    ),
  },
  { weight: 8, arbitrary: ofColor('rolls', rollDeployment) },
  { weight: 5, arbitrary: always('endpoints follow', followServices) },
  { weight: 3, arbitrary: always('the migration ends', finishMigration) },
  { weight: 1, arbitrary: always('the contraction ends', finishContraction) },
  { weight: 2, arbitrary: always('the test ends', finishSmokeTest) },
  { weight: 2, arbitrary: always('traffic is measured', measureTraffic) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 30, 400, 700, -1, -30, -700)
      .map((seconds): Event => ({ name: `${seconds} s pass`, happen: (cluster) => passTime(cluster, seconds) })),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 1, max: 6 })
      .map((count): Event => ({ name: `scaled to ${count}`, happen: (cluster) => autoscale(cluster, count) })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...revisions).map(
      (specRevision): Event => ({
        name: `spec: ${specRevision}`,
        happen: (cluster) => ({ ...cluster, specRevision }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('promote', 'abort').map(
      (action): Event => ({
        name: action,
        happen: (cluster) => ({ ...cluster, actions: { ...cluster.actions, [action]: cluster.record.revision } }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...revisions).map(
      (to): Event => ({
        name: `rollback-to ${to}`,
        happen: (cluster) => ({ ...cluster, actions: { rollbackTo: to } }),
      }),
    ),
  },
  { weight: 1, arbitrary: ofColor('a pod is lost of', losePod) },
  { weight: 1, arbitrary: always('the databases become unavailable', (cluster) => setOutage(cluster, true)) },
  { weight: 2, arbitrary: always('the databases recover', (cluster) => setOutage(cluster, false)) },
)

/** Any policy, and a rollout at any stage. */
const start = fc
  .record({
    policy: fc.record({
      strategy: fc.constantFrom('BlueGreen' as const, 'BlueGreen' as const, 'RollingUpdate' as const),
      promotion: fc.constantFrom('Auto' as const, 'Auto' as const, 'Manual' as const),
      autoRollback: fc.constantFrom(true, true, false),
      autoPromoteAfterSeconds: fc.constantFrom(0, 60),
      scaleDownDelaySeconds: fc.constantFrom(0, 300),
      smokeTestEnabled: fc.boolean(),
      analysisEnabled: fc.boolean(),
      maxSurge: fc.constantFrom(1, '25%', '100%'),
    }),
    autoscaled: fc.boolean(),
    specRevision: fc.constantFrom(...revisions),
    steps: fc.integer({ min: 0, max: 10 }),
  })
  .map(({ policy, steps, ...rest }) => {
    const cluster = atRest({ ...rest, policy: { ...simulatedPolicy, ...policy } })
    return Array.from({ length: steps }).reduce<SimulatedCluster>(step, cluster)
  })

const readyOf = ({ deployments }: SimulatedCluster, color: Color) =>
  (deployments[color]?.ready ?? 0) + (deployments[color]?.old ?? 0)

/** The violated invariant of one step; undefined when all hold. */
function whatIsWrong(before: SimulatedCluster, after: SimulatedCluster, isReconcile: boolean): string | undefined {
  const [from, to] = [before.serviceColor, after.serviceColor]
  if (to === undefined || after.deployments[to] === undefined) return 'the Service selects a colour that does not exist'
  if (from !== undefined && from !== to) {
    const target = before.deployments[to]
    const isForward = target?.revision !== before.record.currentRevision
    const asked = isForward ? (before.deployments[from]?.replicas ?? 0) : (target?.replicas ?? 0)
    // When the live colour has lost all pods, any pod of the other one is better.
    const least = readyOf(before, from) === 0 ? 1 : Math.max(1, asked)
    if (readyOf(before, to) < least) return `traffic switches to ${readyOf(before, to)} of ${asked} pods`
  }
  for (const color of isReconcile ? colors : []) {
    const [then, now] = [before.deployments[color], after.deployments[color]]
    if (then === undefined || before.endpoints[color] === 0) continue
    if (now === undefined || now.replicas < then.replicas) return `${color} shrinks while the Service selects it`
  }
  const failed = before.record.failedRevision
  const isAsked = before.specRevision !== failed || before.actions.rollbackTo === failed
  const starts = colors.some(
    (color) => after.deployments[color]?.revision === failed && before.deployments[color]?.revision !== failed,
  )
  return failed !== undefined && !isAsked && starts ? `${failed} failed and is retried` : undefined
}

/** A user must act, and status says how. */
function waitsForUser(cluster: SimulatedCluster): boolean {
  const { message, failure = '', record } = decide(cluster)
  if (record.phase === 'Stable') return false
  return /kubectl authservice promote|annotate (promote or )?abort/.test(`${message} ${failure}`)
}

/** Continues without disturbances until it ends. */
function comeToRest(from: SimulatedCluster): SimulatedCluster {
  let cluster = setOutage(from, false)
  let still = 0
  for (let steps = 0; steps < 3000; steps++) {
    cluster = passTime(step(cluster), 30)
    const { record, complete } = decide(cluster)
    still = (record.phase === 'Stable' && complete) || waitsForUser(cluster) ? still + 1 : 0
    if (still > 40) return cluster
  }
  throw new Error(`does not come to rest: ${JSON.stringify(cluster)}`)
}

/** Replays a history. @throws at the first step that violates an invariant, with the steps before it */
function live(cluster: SimulatedCluster, events: readonly Event[]): SimulatedCluster {
  return events.reduce((before, { name, happen, isReconcile }, index) => {
    const after = happen(before)
    const wrong = whatIsWrong(before, after, isReconcile === true)
    if (wrong !== undefined) {
      const path = events.slice(0, index + 1).map((one) => one.name)
      throw new Error(`${wrong} (${name}): ${path.join(' → ')}\n${JSON.stringify(before)}`)
    }
    return after
  }, cluster)
}

const history = fc.array(event, { maxLength: 120, size: 'max' })
const ending = (cluster: SimulatedCluster) => ({
  live: cluster.serviceColor && cluster.deployments[cluster.serviceColor]?.revision,
  phase: cluster.record.phase,
  failed: cluster.record.failedRevision,
})

test('property: after any history enough pods have the traffic, and the rollout completes or waits for a user with a message', {
  timeout: 120_000,
}, () => {
  const ends = new Map<string, number>()
  fc.assert(
    fc.property(start, history, (cluster, events) => {
      const rest = comeToRest(live(cluster, events))
      ends.set(rest.record.phase, (ends.get(rest.record.phase) ?? 0) + 1)
    }),
    { numRuns: 1500 },
  )
  console.log(`ends: ${JSON.stringify([...ends])}`)
  expect([...ends.keys()].sort(), 'the histories reach rest and every wait for a user').toEqual([
    'AwaitingPromotion',
    'Preparing',
    'Stable',
    'Verifying',
  ])
})

test('property: an operator that terminates after any write and restarts reaches the same state as an uninterrupted one', {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(start, history, fc.integer({ min: 0, max: 5 }), (cluster, events, writes) => {
      const at = setOutage(live(cluster, events), false)
      // While the traffic has no pod, a late colour is excused only beside others, and the last write decides which
      // others exist. So one operator may fail a revision that the other excuses.
      fc.pre(at.serviceColor !== undefined && readyOf(at, at.serviceColor) > 0)
      expect(ending(comeToRest(reconcile(reconcile(at, writes))))).toEqual(ending(comeToRest(reconcile(at))))
    }),
    { numRuns: 500 },
  )
})

test('property: a clock that goes back an hour at the end of a history changes no outcome except that of a revision past its deadline', {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(start, history, (cluster, events) => {
      // A window that has passed before the pods were read ends without a verdict, and so does a longer one.
      const at = measureTraffic(live(cluster, events))
      const [before, after] = [ending(comeToRest(at)), ending(comeToRest(passTime(at, -3600)))]
      // It only gives more time: a late revision may be in time, and nothing else fails.
      if (before.failed === after.failed) expect(after).toEqual(before)
      else expect([undefined, at.record.failedRevision]).toContain(after.failed)
    }),
    { numRuns: 300 },
  )
})
