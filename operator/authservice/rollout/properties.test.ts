import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide, visit } from './simulated-visit.ts'
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
  type SimulatedWorld,
  simulatedPolicy,
  takeAway,
} from './simulated-world.ts'
import { type Color, colors } from './world.ts'

/**
 * Random histories of bigger worlds than `every-order.test.ts` can walk whole: an autoscaler that moves the live count,
 * any policy, any kind of revision, people, outages, drains, a clock that jumps and an operator that dies.
 */
interface Event {
  name: string
  happen: (world: SimulatedWorld) => SimulatedWorld
  /** A write of ours: what others do to counts is their affair. */
  isVisit?: true
}

/** The autoscaler moves the Deployment that it points to, and leaves one at zero alone. */
function autoscale(world: SimulatedWorld, replicas: number): SimulatedWorld {
  const live = world.serviceColor && world.deployments[world.serviceColor]
  if (!world.autoscaled || world.serviceColor === undefined || live === undefined || live.replicas === 0) return world
  return { ...world, deployments: { ...world.deployments, [world.serviceColor]: { ...live, replicas } } }
}

const revisions = ['r1', 'r2', 'r3', 'r2-slow', 'r2-failing', 'r2-unready', 'r2-refused'] as const
const ofColor = (name: string, happen: (world: SimulatedWorld, color: Color) => SimulatedWorld) =>
  fc.constantFrom(...colors).map((color): Event => ({ name: `${name} ${color}`, happen: (w) => happen(w, color) }))
const always = (name: string, happen: Event['happen']) => fc.constant<Event>({ name, happen })

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Event>({ name: 'a visit', happen: (world) => visit(world), isVisit: true }) },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: 0, max: 5 })
      .map(
        (writes): Event => ({ name: `dies after ${writes}`, happen: (world) => visit(world, writes), isVisit: true }),
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
      .map((seconds): Event => ({ name: `${seconds} s pass`, happen: (world) => passTime(world, seconds) })),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 1, max: 6 })
      .map((count): Event => ({ name: `scaled to ${count}`, happen: (world) => autoscale(world, count) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(...revisions)
      .map(
        (specRevision): Event => ({ name: `spec: ${specRevision}`, happen: (world) => ({ ...world, specRevision }) }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('promote', 'abort').map(
      (order): Event => ({
        name: order,
        happen: (world) => ({ ...world, orders: { ...world.orders, [order]: world.memory.revision } }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...revisions)
      .map(
        (to): Event => ({ name: `rollback-to ${to}`, happen: (world) => ({ ...world, orders: { rollbackTo: to } }) }),
      ),
  },
  { weight: 1, arbitrary: ofColor('a pod is lost of', losePod) },
  { weight: 1, arbitrary: always('the databases go away', (world) => takeAway(world, true)) },
  { weight: 2, arbitrary: always('the databases come back', (world) => takeAway(world, false)) },
)

/** Visits and everything else by turns, all going well. */
function turn(world: SimulatedWorld): SimulatedWorld {
  const done = finishSmokeTest(finishMigration(finishContraction(measureTraffic(visit(world)))))
  return followServices(rollDeployment(rollDeployment(done, 'blue'), 'green'))
}

/** Any policy, and a rollout that has come any part of its way. */
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
    turns: fc.integer({ min: 0, max: 10 }),
  })
  .map(({ policy, turns, ...rest }) => {
    const world = atRest({ ...rest, policy: { ...simulatedPolicy, ...policy } })
    return Array.from({ length: turns }).reduce<SimulatedWorld>(turn, world)
  })

const readyOf = ({ deployments, isAway }: SimulatedWorld, color: Color) =>
  isAway ? 0 : (deployments[color]?.ready ?? 0) + (deployments[color]?.old ?? 0)

/** The invariants of one step; undefined when all hold. */
function whatIsWrong(before: SimulatedWorld, after: SimulatedWorld, isVisit: boolean): string | undefined {
  const [from, to] = [before.serviceColor, after.serviceColor]
  if (to === undefined || after.deployments[to] === undefined) return 'the Service leads to no colour that there is'
  if (from !== undefined && from !== to) {
    const target = before.deployments[to]
    const isForward = target?.revision !== before.memory.currentRevision
    const asked = isForward ? (before.deployments[from]?.replicas ?? 0) : (target?.replicas ?? 0)
    // Away from a colour that lost all of its pods, any pod will do.
    const least = readyOf(before, from) === 0 ? 1 : Math.max(1, asked)
    if (readyOf(before, to) < least) return `traffic moves to ${readyOf(before, to)} of ${asked} pods`
  }
  for (const color of isVisit ? colors : []) {
    const [then, now] = [before.deployments[color], after.deployments[color]]
    if (then === undefined || before.endpoints[color] === 0) continue
    if (now === undefined || now.replicas < then.replicas) return `${color} shrinks while the Service leads there`
  }
  const failed = before.memory.failedRevision
  const isAsked = before.specRevision !== failed || before.orders.rollbackTo === failed
  const starts = colors.some(
    (color) => after.deployments[color]?.revision === failed && before.deployments[color]?.revision !== failed,
  )
  return failed !== undefined && !isAsked && starts ? `${failed} failed and is tried again` : undefined
}

/** A person has to do something, and is told what. */
function waitsForPerson(world: SimulatedWorld): boolean {
  const { message, failure = '', memory } = decide(world)
  if (memory.phase === 'Stable') return false
  return /kubectl authservice promote|annotate (promote or )?abort/.test(`${message} ${failure}`)
}

/** Everything goes its way, with nobody interfering, until it ends. */
function comeToRest(from: SimulatedWorld): SimulatedWorld {
  let world = takeAway(from, false)
  let still = 0
  for (let turns = 0; turns < 3000; turns++) {
    world = passTime(turn(world), 30)
    const { memory, complete } = decide(world)
    still = (memory.phase === 'Stable' && complete) || waitsForPerson(world) ? still + 1 : 0
    if (still > 40) return world
  }
  throw new Error(`never comes to rest: ${JSON.stringify(world)}`)
}

/** Goes through a history. @throws at the first step that breaks an invariant, with the way there */
function live(world: SimulatedWorld, events: readonly Event[]): SimulatedWorld {
  return events.reduce((before, { name, happen, isVisit }, index) => {
    const after = happen(before)
    const wrong = whatIsWrong(before, after, isVisit === true)
    if (wrong !== undefined) {
      const path = events.slice(0, index + 1).map((one) => one.name)
      throw new Error(`${wrong} (${name}): ${path.join(' → ')}\n${JSON.stringify(before)}`)
    }
    return after
  }, world)
}

const history = fc.array(event, { maxLength: 120, size: 'max' })
const ending = (world: SimulatedWorld) => ({
  live: world.serviceColor && world.deployments[world.serviceColor]?.revision,
  phase: world.memory.phase,
  failed: world.memory.failedRevision,
})

test('property: whatever happens, the traffic is where enough pods are, and all ends at rest or with a person who is told', {
  timeout: 120_000,
}, () => {
  const ends = new Map<string, number>()
  fc.assert(
    fc.property(start, history, (world, events) => {
      const rest = comeToRest(live(world, events))
      ends.set(rest.memory.phase, (ends.get(rest.memory.phase) ?? 0) + 1)
    }),
    { numRuns: 1500 },
  )
  console.log(`ends: ${JSON.stringify([...ends])}`)
  expect([...ends.keys()].sort(), 'the histories reach rest, and each wait for a person').toEqual([
    ...['AwaitingPromotion', 'Preparing', 'Stable', 'Verifying'],
  ])
})

test('property: an operator that dies after any write and starts again ends where one that lives does', {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(start, history, fc.integer({ min: 0, max: 5 }), (world, events, writes) => {
      const at = takeAway(live(world, events), false)
      // While the traffic has no pod, what is late is excused beside others only, and what was just written decides which
      // others there are: then one of the two may be blamed for what the other is excused for.
      fc.pre(at.serviceColor !== undefined && readyOf(at, at.serviceColor) > 0)
      expect(ending(comeToRest(visit(visit(at, writes))))).toEqual(ending(comeToRest(visit(at))))
    }),
    { numRuns: 500 },
  )
})

test('property: a clock that goes back an hour at the end of any history changes no ending but that of what was late', {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(start, history, (world, events) => {
      // A window that passed before the pods were ever read ends without a verdict, and a longer one with it.
      const at = measureTraffic(live(world, events))
      const [before, after] = [ending(comeToRest(at)), ending(comeToRest(passTime(at, -3600)))]
      // More time is all that it gives: what would have been late may still be in time, and nothing else fails.
      if (before.failed === after.failed) expect(after).toEqual(before)
      else expect([undefined, at.memory.failedRevision]).toContain(after.failed)
    }),
    { numRuns: 300 },
  )
})
