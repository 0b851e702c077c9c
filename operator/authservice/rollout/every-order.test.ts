import { expect, test } from 'vitest'
import { visit } from './simulated-visit.ts'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  losePod,
  measureTraffic,
  passTime,
  podRevisionsOf,
  rollDeployment,
  type SimulatedWorld,
  simulatedPolicy,
  takeAway,
} from './simulated-world.ts'
import { colors, type RolloutPolicy } from './world.ts'

/**
 * Walks every order of events in a small world: two pods a colour, the operator dying after any write of any visit,
 * controllers that lag, the spec changing, a person aborting, time passing. Each state that can be reached is judged,
 * and from each one the rollout has to come to rest.
 */
type Event = (world: SimulatedWorld) => SimulatedWorld
type Events = Record<string, Event>

/** What goes on in every walk. */
const always: Events = {
  'a visit': (world) => visit(world),
  'blue rolls': (world) => rollDeployment(world, 'blue'),
  'green rolls': (world) => rollDeployment(world, 'green'),
  'endpoints follow': followServices,
  'the migration ends': finishMigration,
  'the contraction ends': finishContraction,
  'the test ends': finishSmokeTest,
  'traffic is measured': measureTraffic,
  'time passes': (world) => passTime(world, 1000),
}
/** The operator dies after so many of the writes of a visit: templates, migrations, Services, counts, the test, then status. */
const deaths: Events = Object.fromEntries(
  [1, 2, 3, 4, 5].map((writes) => [`a visit dies after ${writes}`, (world: SimulatedWorld) => visit(world, writes)]),
)
const clock: Events = { 'the clock goes back': (world) => passTime(world, -1000) }
const outages: Events = {
  'the databases go away': (world) => takeAway(world, true),
  'the databases come back': (world) => takeAway(world, false),
}
const drains: Events = {
  'a pod of blue is lost': (world) => losePod(world, 'blue'),
  'a pod of green is lost': (world) => losePod(world, 'green'),
}
const specs = (...revisions: string[]): Events =>
  Object.fromEntries(
    revisions.map((specRevision) => [
      `the spec asks for ${specRevision}`,
      (world: SimulatedWorld) => ({ ...world, specRevision }),
    ]),
  )
const people: Events = {
  'somebody aborts': (world) => ({ ...world, orders: { abort: world.memory.revision } }),
  'somebody promotes': (world) => ({ ...world, orders: { promote: world.memory.revision } }),
  'somebody rolls back': (world) => ({ ...world, orders: { rollbackTo: 'r1' } }),
}

/** Times matter only as far as they have passed. */
function identity(world: SimulatedWorld): string {
  const { now, memory, ...rest } = world
  const { startedAt, phaseStartedAt, deadline, ...remembered } = memory
  const since = phaseStartedAt === undefined ? 0 : Math.sign(Math.trunc((now - phaseStartedAt.getTime()) / 1000))
  const isLate = deadline !== undefined && now > deadline.getTime()
  return JSON.stringify([
    rest.deployments,
    rest.isAway,
    rest.serviceColor,
    rest.previewColor,
    rest.endpoints,
    rest.previewEndpoints,
    jobIdentity(rest.migration, memory),
    jobIdentity(rest.contraction, memory),
    rest.contractedTo,
    rest.smokeTest,
    rest.measured,
    rest.orders,
    rest.specRevision,
    remembered,
    since,
    isLate,
    startedAt === undefined,
  ])
}

/** A Job of another try is as good as none. */
function jobIdentity(job: SimulatedWorld['migration'], { revision, startedAt }: SimulatedWorld['memory']) {
  const isOfThisTry = job?.startedAt === startedAt?.getTime() && job?.revision === revision
  return isOfThisTry ? job?.state : [job?.revision, job?.state === 'running']
}

/** What is wrong with a step; undefined when nothing is. */
function whatIsWrong(before: SimulatedWorld, after: SimulatedWorld): string | undefined {
  if (after.serviceColor === undefined) return 'no colour has the traffic'
  if (before.serviceColor !== after.serviceColor) {
    const target = before.deployments[after.serviceColor]
    const pods = (target?.ready ?? 0) + (target?.old ?? 0)
    if (target === undefined || pods < target.replicas || pods === 0)
      return `traffic moves to ${pods} of ${target?.replicas} ready pods`
  }
  for (const color of colors) {
    const [then, now] = [before.deployments[color], after.deployments[color]]
    if (then === undefined || before.endpoints[color] === 0) continue
    if (now === undefined) return `${color} is deleted while the Service leads there`
    if (now.replicas < then.replicas) return `${color} is scaled down while the Service leads there`
    if (now.revision !== then.revision && before.policy.strategy === 'BlueGreen')
      return `${color} gets another template while the Service leads there`
  }
  const wrongJob = whatIsWrongWithJobs(before, after)
  if (wrongJob !== undefined) return wrongJob
  const failed = before.memory.failedRevision
  const isWanted = before.specRevision !== failed || before.orders.rollbackTo === failed
  if (wronglyBlamed(before, after)) return `${after.memory.failedRevision} is blamed while the databases are away`
  if (failed === undefined || isWanted) return undefined
  return colors.some(
    (color) => after.deployments[color]?.revision === failed && before.deployments[color]?.revision !== failed,
  )
    ? `${failed} failed and is tried again`
    : undefined
}

const endJobs = (world: SimulatedWorld) => finishSmokeTest(finishMigration(finishContraction(world)))

/** Its own test, its own data and a person may fail a revision at any time; what is measured or late, may not. */
function wronglyBlamed({ isAway, memory: then }: SimulatedWorld, { memory }: SimulatedWorld): boolean {
  if (!isAway || memory.failedRevision === undefined || memory.failedRevision === then.failedRevision) return false
  return memory.lastOutcome === 'DeadlineExceeded' || (memory.failure ?? '').includes('traffic was worse')
}

/** Pods come after what they need, and what earlier ones need goes after them. */
function whatIsWrongWithJobs(before: SimulatedWorld, after: SimulatedWorld): string | undefined {
  const [then, now] = [before.contraction, after.contraction]
  const others = [...podRevisionsOf(before)].filter((revision) => revision !== now?.revision)
  if (now !== undefined && now !== then && now.state === 'running' && others.length > 0)
    return `the database is left to ${now.revision} while ${others} has pods`
  for (const color of colors) {
    const started = after.deployments[color]
    const was = before.deployments[color]
    const isNew = started?.revision !== was?.revision && started !== undefined && started.replicas > 0
    const isPrepared = before.migration?.revision === started?.revision && before.migration?.state === 'done'
    if (isNew && !isPrepared && started.revision !== before.memory.currentRevision)
      return `${color} gets ${started.revision} before the database is ready for it`
  }
  return undefined
}

/** Everything goes its way until nothing changes any more. */
function comeToRest(start: SimulatedWorld): SimulatedWorld {
  let world = takeAway(start, false)
  let before = ''
  let unchanged = 0
  for (let turn = 0; turn < 300; turn++) {
    world = followServices(rollDeployment(rollDeployment(endJobs(measureTraffic(visit(world))), 'blue'), 'green'))
    world = passTime(world, 100)
    const now = identity(world)
    unchanged = now === before ? unchanged + 1 : 0
    // Longer than every delay and deadline: what has not changed by then never will.
    if (unchanged > 10) return world
    before = now
  }
  throw new Error(`never comes to rest: ${JSON.stringify(world)}`)
}

function walk(start: SimulatedWorld, events: Events, mostStates: number) {
  const parents = new Map<string, string>([[identity(start), 'start']])
  const queue = [{ world: start, path: 'start' }]
  const rests = new Map<string, number>()
  let steps = 0
  for (let next = queue.shift(); next !== undefined && parents.size < mostStates; next = queue.shift()) {
    for (const [name, event] of Object.entries(events)) {
      const after = event(next.world)
      steps++
      const path = `${next.path} → ${name}`
      const wrong = whatIsWrong(next.world, after)
      if (wrong !== undefined) throw new Error(`${wrong}: ${path}\n${JSON.stringify(next.world)}`)
      const id = identity(after)
      if (parents.has(id)) continue
      parents.set(id, path)
      queue.push({ world: after, path })
      const rest = comeToRest(after)
      const ended = `${rest.memory.phase} with ${rest.serviceColor && rest.deployments[rest.serviceColor]?.revision}`
      rests.set(ended, (rests.get(ended) ?? 0) + 1)
      if (rest.memory.phase !== 'Stable')
        throw new Error(`rests in ${rest.memory.phase}: ${path}\n${JSON.stringify(rest)}`)
    }
  }
  return { states: parents.size, steps, rests, complete: queue.length === 0 }
}

const policy: RolloutPolicy = { ...simulatedPolicy, scaleDownDelaySeconds: 1 }
/** One pod starts after the other. */
const oneByOne: RolloutPolicy = { ...policy, maxSurge: 1 }

test.each([
  ['r2', 'the operator dies anywhere', { ...deaths, ...clock }],
  ['r2-slow', 'the operator dies anywhere', { ...deaths, ...clock }],
  ['r2-failing', 'the operator dies anywhere', { ...deaths, ...clock }],
  ['r2-unready', 'the operator dies anywhere', { ...deaths, ...clock }],
  ['r2-refused', 'the operator dies anywhere', { ...deaths, ...clock }],
  ['r2', 'the databases go away and come back', outages],
  ['r2-slow', 'the databases go away and come back', outages],
  ['r2-unready', 'the databases go away and come back', { ...outages, ...deaths }],
  ['r2', 'the operator dies anywhere, pods start one by one', { ...deaths, ...clock }, oneByOne],
  ['r2-slow', 'the databases go away and come back, pods start one by one', outages, oneByOne],
  ['r2', 'people interfere, pods start one by one', people, oneByOne],
  ['r2', 'nodes are drained', drains],
  ['r2-slow', 'nodes are drained', drains],
  ['r2', 'the spec changes at any time', specs('r1', 'r2')],
  ['r2', 'a third spec comes in the middle', specs('r3')],
  ['r2-slow', 'the spec changes at any time', specs('r1', 'r2-slow')],
  ['r2', 'people interfere', people],
  ['r2-slow', 'people interfere', people],
])(
  '%s, while %s: every order of events is safe and comes to rest',
  (specRevision, _, more, paced = policy) => {
    const start = atRest({ specRevision, policy: paced })
    const { states, steps, rests, complete } = walk(start, { ...always, ...more }, 300_000)
    console.log(`${states} states, ${steps} steps, ${JSON.stringify([...rests])}`)
    expect(complete, `the walk ends by itself, not at a limit (${states} states)`).toBe(true)
  },
  120_000,
)
