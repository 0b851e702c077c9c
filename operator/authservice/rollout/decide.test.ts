import { describe, expect, test } from 'vitest'
import { decide, visit } from './simulated-visit.ts'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  measureTraffic,
  passTime,
  rollDeployment,
  type SimulatedWorld,
  simulate,
  simulatedPolicy,
} from './simulated-world.ts'
import { emptyMemory } from './world.ts'

const clusterActs = (world: SimulatedWorld) =>
  followServices(rollDeployment(rollDeployment(endJobs(world), 'blue'), 'green'))
const endJobs = (world: SimulatedWorld) => finishSmokeTest(finishMigration(finishContraction(world)))

/** Visits and everything else by turns until nothing changes any more; collects the phases on the way. */
function run(start: SimulatedWorld, { secondsATurn = 1, turns = 80, measured = true } = {}) {
  let world = start
  const phases: string[] = []
  for (let turn = 0; turn < turns; turn++) {
    world = visit(world)
    if (world.memory.phase !== phases.at(-1)) phases.push(world.memory.phase)
    world = passTime(clusterActs(measured ? measureTraffic(world) : world), secondsATurn)
  }
  return { world, phases }
}

const longRun = { secondsATurn: 30 }

test('the first revision starts in blue, without a test: there is nothing to compare with', () => {
  const { world, phases } = run(simulate())
  expect(phases).toEqual(['Preparing', 'Stable'])
  expect(world).toMatchObject({ serviceColor: 'blue', memory: { currentRevision: 'r1', lastOutcome: undefined } })
})

test.each(['BlueGreen', 'RollingUpdate'] as const)(
  'a first revision that never served is replaced in its place by what the spec asks for then (%s)',
  (strategy) => {
    const { world: stuck } = run(simulate({ specRevision: 'r2-unready', policy: { ...simulatedPolicy, strategy } }))
    expect(stuck.memory.phase).toBe('Preparing')
    const mended = { ...stuck, specRevision: 'r2' }
    expect(visit(mended).memory, 'what status tells meanwhile').toMatchObject({ phase: 'Preparing', revision: 'r2' })
    const { world, phases } = run(mended)
    expect(phases).toEqual(['Preparing', 'Stable'])
    expect(world).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { revision: 'r2', ready: 2 } },
      memory: { currentRevision: 'r2', failedRevision: undefined },
    })
    expect(world.deployments.green).toBeUndefined()
  },
)

test('what an earlier operator gave up because nothing served beside it is tried again', () => {
  const memory = {
    ...emptyMemory,
    activeColor: 'blue',
    revision: 'r2',
    failedRevision: 'r2',
    failure: 'no answer',
  } as const
  const deployments = { blue: { revision: 'r2-unready', replicas: 2, ready: 0, old: 0 } }
  const { world } = run(simulate({ specRevision: 'r2', memory, deployments, serviceColor: 'blue' }))
  expect(world.memory).toMatchObject({ currentRevision: 'r2', failedRevision: undefined })
})

test('an autoscaler that left the live Deployment at zero is woken', () => {
  const world = atRest({ autoscaled: true, deployments: { blue: { revision: 'r1', replicas: 0, ready: 0, old: 0 } } })
  expect(decide(world).counts).toEqual({ blue: 1 })
})

test('a fixed count is kept, and zero is a count', () => {
  expect(decide(atRest({ replicas: 4 })).counts).toEqual({ blue: 4 })
  const empty = run(atRest({ replicas: 0 })).world
  expect(empty.deployments.blue).toMatchObject({ replicas: 0, ready: 0 })
  expect(decide(empty)).toMatchObject({ complete: true, counts: {} })
})

test('a Service that somebody pointed at a colour without pods is put back', () => {
  const world = atRest({ serviceColor: 'green' })
  expect(decide(world).activeColor).toBe('blue')
})

describe('blue-green', () => {
  const rollout = (fields: Partial<SimulatedWorld> = {}) => atRest({ specRevision: 'r2', ...fields })

  test('goes through every phase and keeps the old colour whole for the delay', () => {
    const { world, phases } = run(rollout(), longRun)
    expect(phases).toEqual(['Preparing', 'Testing', 'Promoting', 'Verifying', 'Retiring', 'Stable'])
    expect(world).toMatchObject({
      serviceColor: 'green',
      deployments: { green: { revision: 'r2', ready: 2 }, blue: { revision: 'r1', replicas: 0 } },
      memory: { currentRevision: 'r2', lastOutcome: 'Promoted', failedRevision: undefined },
    })
  })

  test('waits for a person where promotion is manual, however long', () => {
    const manual = rollout({ policy: { ...simulatedPolicy, promotion: 'Manual' } })
    const { world } = run(run(manual).world, { secondsATurn: 3600 })
    expect(world).toMatchObject({ serviceColor: 'blue', memory: { phase: 'AwaitingPromotion' } })
    expect(decide({ ...world, orders: { promote: 'r1' } }).activeColor).toBe('blue')
    expect(run({ ...world, orders: { promote: 'r2' } }, longRun).world.memory).toMatchObject({ currentRevision: 'r2' })
  })

  test('waits autoPromoteAfterSeconds', () => {
    const slow = rollout({ policy: { ...simulatedPolicy, autoPromoteAfterSeconds: 120 } })
    const { world } = run(slow, { turns: 20 })
    expect(world.memory.phase).toBe('AwaitingPromotion')
    expect(decide(world).requeueAfterSeconds).toBeGreaterThan(90)
    expect(decide(passTime(world, 120)).activeColor).toBe('green')
  })

  test('the new colour follows the count that the autoscaler gives the live one, and is not switched to below it', () => {
    const { world } = run(rollout({ autoscaled: true, policy: { ...simulatedPolicy, promotion: 'Manual' } }))
    const scaled = {
      ...world,
      deployments: { ...world.deployments, blue: { revision: 'r1', replicas: 8, ready: 8, old: 0 } },
      orders: { promote: 'r2' },
    }
    expect(decide(scaled)).toMatchObject({ activeColor: 'blue', counts: { green: 8 } })
    const { world: after } = run(scaled, { turns: 20 })
    expect(after.serviceColor).toBe('green')
    expect(after.deployments.green?.ready).toBeGreaterThanOrEqual(8)
  })

  test.each([
    ['r2-unready', 'DeadlineExceeded', 'Preparing'],
    ['r2-failing', 'RolledBack', 'Testing'],
  ] as const)('%s never gets traffic and ends as %s', (specRevision, lastOutcome, lastPhase) => {
    const { world, phases } = run(rollout({ specRevision }), longRun)
    expect(phases.slice(-3)).toEqual([lastPhase, 'RollingBack', 'Stable'].slice(-3))
    expect(world).toMatchObject({
      serviceColor: 'blue',
      deployments: { green: { replicas: 0 } },
      memory: { currentRevision: 'r1', lastOutcome, failedRevision: specRevision },
    })
    expect(decide(world).failure).toMatch(/was not rolled out/)
  })

  test.each(['BlueGreen', 'RollingUpdate'] as const)(
    'by %s, a revision whose pods never become ready is found late, though nothing else changes in the cluster',
    (strategy) => {
      const policy = { ...simulatedPolicy, strategy, analysisEnabled: false }
      const { world } = run(rollout({ specRevision: 'r2-unready', policy }), { turns: 5 })
      expect(world.memory).toMatchObject({ phase: 'Preparing', lastOutcome: undefined })
      const { requeueAfterSeconds } = decide(world)
      expect(requeueAfterSeconds).toBeDefined()
      expect(decide(passTime(world, requeueAfterSeconds ?? 0)).memory.lastOutcome).toBe('DeadlineExceeded')
    },
  )

  test('traffic goes back to the old colour when the new one is worse', () => {
    const { world, phases } = run(rollout({ specRevision: 'r2-slow' }), longRun)
    expect(phases.slice(-4)).toEqual(['Promoting', 'Verifying', 'RollingBack', 'Stable'])
    expect(world).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { ready: 2 }, green: { replicas: 0 } },
      memory: { lastOutcome: 'RolledBack', failedRevision: 'r2-slow' },
    })
  })

  test('where it may not go back by itself it waits for a person, who may abort or promote', () => {
    const asked = rollout({ specRevision: 'r2-slow', policy: { ...simulatedPolicy, autoRollback: false } })
    const { world } = run(asked, longRun)
    expect(world).toMatchObject({ serviceColor: 'green', memory: { phase: 'Verifying' } })
    expect(decide(world).failure).toMatch(/worse/)
    const aborted = run({ ...world, orders: { abort: 'r2-slow' } }, longRun).world
    expect(aborted).toMatchObject({ serviceColor: 'blue', memory: { lastOutcome: 'Aborted' } })
    const promoted = run({ ...world, orders: { promote: 'r2-slow' } }, longRun).world
    expect(promoted).toMatchObject({ serviceColor: 'green', memory: { lastOutcome: 'Promoted' } })
  })

  test('an aborted rollout leaves nothing running and is not tried again until the spec changes', () => {
    const { world } = run(rollout(), { turns: 3 })
    const aborted = run({ ...world, orders: { abort: 'r2' } }, longRun).world
    expect(aborted).toMatchObject({ deployments: { green: { replicas: 0, ready: 0 } }, memory: { phase: 'Stable' } })
    expect(run({ ...aborted, specRevision: 'r3' }, longRun).world.memory.currentRevision).toBe('r3')
    const back = run({ ...aborted, specRevision: 'r1' }).world
    expect(run({ ...back, specRevision: 'r2' }, longRun).world.memory.currentRevision).toBe('r2')
  })

  test('a third spec in the middle replaces the second one', () => {
    const { world } = run(rollout(), { turns: 4 })
    const { world: after } = run({ ...world, specRevision: 'r3' }, longRun)
    expect(after).toMatchObject({ serviceColor: 'green', memory: { currentRevision: 'r3' } })
  })

  test('a spec that goes back in the middle leaves the live colour alone', () => {
    const { world } = run(rollout(), { turns: 4 })
    const { world: after } = run({ ...world, specRevision: 'r1' }, longRun)
    expect(after).toMatchObject({
      serviceColor: 'blue',
      deployments: { green: { replicas: 0 } },
      memory: { currentRevision: 'r1', lastOutcome: 'Superseded' },
    })
  })

  test('a third spec after the switch first goes back to what is known to work', () => {
    let world = rollout()
    while (world.memory.phase !== 'Verifying') world = clusterActs(visit(world))
    const { world: back } = run({ ...world, specRevision: 'r3' }, { turns: 1 })
    expect(back).toMatchObject({ serviceColor: 'blue', memory: { phase: 'RollingBack', lastOutcome: 'Superseded' } })
    expect(run(back, longRun).world).toMatchObject({ serviceColor: 'green', memory: { currentRevision: 'r3' } })
  })

  test('rollback-to is instant while the old colour stands, and holds until the spec changes', () => {
    let world = rollout()
    while (world.memory.phase !== 'Retiring') world = passTime(clusterActs(measureTraffic(visit(world))), 10)
    world = followServices(world)
    const first = decide({ ...world, orders: { rollbackTo: 'r1' } })
    expect(first).toMatchObject({ activeColor: 'blue', memory: { pin: { revision: 'r1', insteadOf: 'r2' } } })
    const after = run({ ...world, orders: { rollbackTo: 'r1' } }, longRun).world
    expect(after).toMatchObject({ serviceColor: 'blue', specRevision: 'r2', memory: { currentRevision: 'r1' } })
    expect(run({ ...after, specRevision: 'r3' }, longRun).world.memory.currentRevision).toBe('r3')
  })

  test('a deadline survives a restart, and a clock that goes back only makes it longer', () => {
    const { world } = run(rollout({ specRevision: 'r2-unready' }), { turns: 5 })
    expect(decide(passTime(world, 700)).memory.lastOutcome).toBe('DeadlineExceeded')
    expect(decide(passTime(world, -3600)).memory).toMatchObject({ phase: 'Preparing', lastOutcome: undefined })
  })
})

test('a promotion that is asked for while the traffic still goes back from another revision is not lost', () => {
  const goingBack = atRest({
    specRevision: 'r3',
    policy: { ...simulatedPolicy, promotion: 'Manual' },
    serviceColor: 'green',
    endpoints: { blue: 0, green: 2 },
    deployments: {
      blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 },
      green: { revision: 'r2', replicas: 2, ready: 2, old: 0 },
    },
    orders: { promote: 'r3' },
  })
  expect(decide(goingBack).memory.phase).toBe('RollingBack')
  expect(run(goingBack, longRun).world.memory).toMatchObject({ currentRevision: 'r3', lastOutcome: 'Promoted' })
})

test('a revision that is asked for again right after the traffic left it loses no pod while requests still get there', () => {
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

test('an operator that dies right after the switch of a revision that waited long does not take it back', () => {
  const manual = atRest({ specRevision: 'r2', policy: { ...simulatedPolicy, promotion: 'Manual' } })
  const waited = passTime(run(manual).world, 3600)
  const untilServices = 3
  const switched = visit({ ...waited, orders: { promote: 'r2' } }, untilServices)
  expect(switched).toMatchObject({ serviceColor: 'green', memory: { phase: 'AwaitingPromotion' } })
  expect(run(switched, longRun).world.memory).toMatchObject({ currentRevision: 'r2', lastOutcome: 'Promoted' })
})

describe('while MongoDB is away', () => {
  test('a revision is not late, has the whole deadline again when it is back, and the reason is told', () => {
    const { world } = run(atRest({ specRevision: 'r2-unready' }), { turns: 5 })
    const away = passTime({ ...world, isAway: true }, 700)
    expect(decide(away).message).toMatch(/no pod of any colour is available, which is not held against the revision/)
    const back = { ...visit(away), isAway: false }
    expect(decide(passTime(back, 590)).memory.lastOutcome).toBeUndefined()
    expect(decide(passTime(back, 610)).memory.lastOutcome).toBe('DeadlineExceeded')
  })

  test('a revision that the traffic was on its way to has the whole deadline again, too', () => {
    let world = atRest({ specRevision: 'r2' })
    while (world.memory.phase !== 'Promoting') world = clusterActs(visit(world))
    const noEndpoints = { endpoints: { blue: 0, green: 0 } }
    const away = visit(passTime({ ...world, ...noEndpoints, isAway: true }, 700))
    const back = { ...away, isAway: false }
    expect(decide(passTime(back, 590)).memory).toMatchObject({ phase: 'Promoting', lastOutcome: undefined })
    expect(decide(passTime(back, 610)).memory.lastOutcome).toBe('DeadlineExceeded')
  })

  test('a revision with the traffic is neither judged nor promoted', () => {
    let world = atRest({ specRevision: 'r2-slow' })
    while (world.memory.phase !== 'Verifying') world = clusterActs(visit(world))
    const away = run({ ...world, isAway: true }, longRun).world
    expect(away.memory).toMatchObject({ phase: 'Verifying', failedRevision: undefined, currentRevision: 'r1' })
    expect(run({ ...away, isAway: false }, longRun).world.memory).toMatchObject({ failedRevision: 'r2-slow' })
  })

  test('the traffic stays where it is', () => {
    const switched = atRest({
      serviceColor: 'green',
      isAway: true,
      deployments: {
        blue: { revision: 'r1', replicas: 2, ready: 2, old: 0 },
        green: { revision: 'r2', replicas: 2, ready: 2, old: 0 },
      },
      specRevision: 'r2',
    })
    expect(decide(switched).activeColor).toBe('green')
  })
})

describe('rolling update', () => {
  const policy = { ...simulatedPolicy, strategy: 'RollingUpdate' } as const
  const rollout = (fields: Partial<SimulatedWorld> = {}) => atRest({ specRevision: 'r2', policy, ...fields })

  test('replaces the pods of the live colour and watches them', () => {
    const { world, phases } = run(rollout(), longRun)
    expect(phases).toEqual(['Preparing', 'Verifying', 'Stable'])
    expect(world).toMatchObject({
      serviceColor: 'blue',
      deployments: { blue: { revision: 'r2', ready: 2, old: 0 } },
      memory: { currentRevision: 'r2', lastOutcome: 'Promoted' },
    })
    expect(world.deployments.green).toBeUndefined()
  })

  test.each([
    ['r2-unready', 'DeadlineExceeded'],
    ['r2-slow', 'RolledBack'],
  ] as const)('%s: the last good template comes back', (specRevision, lastOutcome) => {
    const { world } = run(rollout({ specRevision }), longRun)
    expect(world).toMatchObject({
      deployments: { blue: { revision: 'r1', ready: 2, old: 0 } },
      memory: { phase: 'Stable', lastOutcome, failedRevision: specRevision },
    })
  })

  test('without autoRollback a late one stays where it is and says so', () => {
    const { world } = run(rollout({ specRevision: 'r2-unready', policy: { ...policy, autoRollback: false } }), longRun)
    expect(world.deployments.blue).toMatchObject({ revision: 'r2-unready', old: 2 })
    expect(decide(world).failure).toMatch(/not ready within 600 s/)
  })

  test('changing the strategy moves nothing', () => {
    const decision = decide(atRest({ policy }))
    expect(decision).toMatchObject({ complete: true, counts: {}, activeColor: 'blue' })
  })
})
