import { describe, expect, test } from 'vitest'
import { decideRollout } from './decide.ts'
import { decide, visit } from './simulated-visit.ts'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  measureTraffic,
  observe,
  passTime,
  rollDeployment,
  type SimulatedWorld,
  simulatedPolicy,
} from './simulated-world.ts'

/** Visits and everything else by turns, but for the migrations unless they may end. */
function run(start: SimulatedWorld, { turns = 60, endMigrations = true, endContractions = true } = {}): SimulatedWorld {
  let world = start
  for (let turn = 0; turn < turns; turn++) {
    world = measureTraffic(finishSmokeTest(visit(world)))
    if (endMigrations) world = finishMigration(world)
    if (endContractions) world = finishContraction(world)
    world = passTime(followServices(rollDeployment(rollDeployment(world, 'blue'), 'green')), 30)
  }
  return world
}

describe.each(['BlueGreen', 'RollingUpdate'] as const)('%s', (strategy) => {
  const policy = { ...simulatedPolicy, strategy, progressDeadlineSeconds: 7200 }
  const rollout = (specRevision: string) => atRest({ specRevision, policy })
  const runningIn = ({ deployments }: SimulatedWorld) =>
    Object.values(deployments).flatMap(({ revision, replicas }) => (replicas > 0 ? [revision] : []))

  test('no pod of a revision starts before the database is ready for it', () => {
    const waiting = run(rollout('r2'), { endMigrations: false })
    expect(runningIn(waiting)).toEqual(['r1'])
    expect(waiting.memory.phase).toBe('Preparing')
    expect(decide(waiting).message).toBe('the database is made ready: it runs')
    expect(runningIn(run(waiting))).toEqual(['r2'])
  })

  test('data in the way keeps it from every pod, is told, and is tried again only when somebody asks', () => {
    const refused = run(rollout('r2-refused'))
    expect(runningIn(refused)).toEqual(['r1'])
    expect(refused.memory).toMatchObject({ phase: 'Stable', lastOutcome: 'RolledBack', failedRevision: 'r2-refused' })
    expect(decide(refused).failure).toMatch(/the database cannot be made ready for it: 2 users have one email: a, b/)
    const again = visit({ ...refused, orders: { rollbackTo: 'r2-refused' } })
    expect(again.migration).toMatchObject({ revision: 'r2-refused', state: 'running' })
    expect(again.memory.phase).toBe('Preparing')
  })

  test('a migration that takes longer than the deadline fails the revision, whatever autoRollback says', () => {
    const late = { ...rollout('r2'), policy: { ...policy, autoRollback: false, progressDeadlineSeconds: 600 } }
    const { memory } = run(late, { endMigrations: false })
    expect(memory).toMatchObject({ lastOutcome: 'DeadlineExceeded', failedRevision: 'r2' })
    expect(memory.failure).toMatch(/the database is made ready: it runs/)
  })

  test('what earlier revisions needed goes once they are gone, and then none of them comes back', () => {
    const promoted = run(rollout('r2'))
    expect(promoted.contractedTo).toBe('r2')
    const back = run({ ...promoted, orders: { rollbackTo: 'r1' } })
    expect(runningIn(back)).toEqual(['r2'])
    expect(back.memory).toMatchObject({ lastOutcome: 'RolledBack', failedRevision: 'r1', currentRevision: 'r2' })
  })

  test('who goes back before that finds everything there', () => {
    const promoted = run(rollout('r2'), { endContractions: false })
    expect(promoted.contraction).toMatchObject({ revision: 'r2', state: 'running' })
    const back = run({ ...promoted, orders: { rollbackTo: 'r1' } })
    expect(runningIn(back)).toEqual(['r1'])
    expect(back).toMatchObject({ contraction: undefined, contractedTo: undefined })
  })

  test('it goes once: pods that are missing later, in a drain or while the count grows, take no Job away', () => {
    const promoted = run(rollout('r2'))
    const whole = observe(promoted)
    const color = promoted.serviceColor ?? 'blue'
    const live = whole.colors[color]
    if (live === undefined) throw new Error(`there is no ${color}`)
    const drained = {
      ...whole,
      colors: { ...whole.colors, [color]: { ...live, readyReplicas: 1, availableReplicas: 1 } },
    }
    for (const world of [whole, drained]) {
      expect(decideRollout(world, promoted.memory, new Date(promoted.now)).contractionOf).toBe('r2')
    }
  })

  test('a pod on its way out still needs it', () => {
    const promoted = run(rollout('r2'), { endContractions: false })
    const draining = { ...observe(promoted), podRevisions: new Set(['r1', 'r2']) }
    expect(decideRollout(draining, promoted.memory, new Date(promoted.now)).contractionOf).toBeUndefined()
  })
})

test('the first revision of all, and one that was not promoted, take nothing away', () => {
  expect(run(atRest()).contraction).toBeUndefined()
  expect(run(atRest({ specRevision: 'r2-failing' })).contraction).toBeUndefined()
})
