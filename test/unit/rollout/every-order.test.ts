import { expect, test } from 'vitest'
import { colors } from '../../../operator/authservice/model/colors.ts'
import type { RolloutPolicy } from '../../../operator/authservice/rollout/decide/observation.ts'
import { mostRetests } from '../../../operator/authservice/rollout/decide/outage.ts'
import {
  atRest,
  finishContraction,
  finishMigration,
  finishSmokeTest,
  followServices,
  isTakenOver,
  losePod,
  measureTraffic,
  passTime,
  podRevisionsOf,
  rollDeployment,
  type SimulatedCluster,
  setOutage,
  simulatedPolicy,
} from './simulated-cluster.ts'
import { reconcile, step, untilNextReconcile } from './simulated-reconcile.ts'

/**
 * Explores every order of events in a small cluster: two pods per colour, an operator that terminates after any write
 * of any reconcile, slow controllers, spec changes, an abort by a user, and passing time. Checks each reachable state.
 * From each one, the rollout must converge, with an operator that reconciles continuously and with one that reconciles
 * only when a watched object changes or its requeue is due.
 */
type Event = (cluster: SimulatedCluster) => SimulatedCluster
type Events = Record<string, Event>

/** Events that can happen in every exploration. */
const always: Events = {
  'a reconcile': (cluster) => reconcile(cluster),
  'blue rolls': (cluster) => rollDeployment(cluster, 'blue'),
  'green rolls': (cluster) => rollDeployment(cluster, 'green'),
  'endpoints follow': followServices,
  'the migration ends': finishMigration,
  'the contraction ends': finishContraction,
  'the test ends': finishSmokeTest,
  'traffic is measured': measureTraffic,
  'time passes': (cluster) => passTime(cluster, 1000),
}
/**
 * The operator terminates after this number of writes of a reconcile: templates, migrations, Services, counts, the
 * smoke test, then status.
 */
const deaths: Events = Object.fromEntries(
  [1, 2, 3, 4, 5].map((writes) => [
    `the operator dies after ${writes} writes`,
    (cluster: SimulatedCluster) => reconcile(cluster, writes),
  ]),
)
const clock: Events = { 'the clock goes back': (cluster) => passTime(cluster, -1000) }
const outages: Events = {
  'the databases become unavailable': (cluster) => setOutage(cluster, true),
  'the databases recover': (cluster) => setOutage(cluster, false),
}
const drains: Events = {
  'a blue pod is lost': (cluster) => losePod(cluster, 'blue'),
  'a green pod is lost': (cluster) => losePod(cluster, 'green'),
}
const specs = (...revisions: string[]): Events =>
  Object.fromEntries(
    revisions.map((specRevision) => [
      `the spec requests ${specRevision}`,
      (cluster: SimulatedCluster) => ({ ...cluster, specRevision }),
    ]),
  )
const users: Events = {
  'a user aborts': (cluster) => ({ ...cluster, actions: { abort: cluster.record.revision } }),
  'a user promotes': (cluster) => ({ ...cluster, actions: { promote: cluster.record.revision } }),
  'a user rolls back': (cluster) => ({ ...cluster, actions: { rollbackTo: 'r1' } }),
}

/** Times matter only as past or future. */
function identity(cluster: SimulatedCluster): string {
  const { now, record, ...rest } = cluster
  const { startedAt, phaseStartedAt, deadline, ...remembered } = record
  const since = phaseStartedAt === undefined ? 0 : Math.sign(Math.trunc((now - phaseStartedAt.getTime()) / 1000))
  const isLate = deadline !== undefined && now > deadline.getTime()
  return JSON.stringify([
    rest.deployments,
    rest.hasOutage,
    rest.serviceColor,
    rest.previewColor,
    rest.endpoints,
    rest.previewEndpoints,
    jobIdentity(rest.migration, cluster),
    jobIdentity(rest.contraction, cluster),
    rest.contractedTo,
    rest.smokeTest,
    rest.measured,
    rest.actions,
    rest.specRevision,
    remembered,
    since,
    isLate,
    startedAt === undefined,
  ])
}

/** A Job of another attempt counts as none. */
function jobIdentity(
  job: SimulatedCluster['migration'],
  { record: { revision, startedAt }, sharesDatabase }: SimulatedCluster,
) {
  const isOfThisAttempt =
    (job?.startedAt === startedAt?.getTime() && job?.revision === revision) ||
    (job !== undefined && isTakenOver(job, sharesDatabase))
  return isOfThisAttempt ? job?.state : [job?.revision, job?.state === 'running']
}

/** The violated invariant of a step; undefined when all hold. */
function whatIsWrong(before: SimulatedCluster, after: SimulatedCluster): string | undefined {
  if (after.serviceColor === undefined) return 'no colour has traffic'
  if (before.serviceColor !== after.serviceColor) {
    const target = before.deployments[after.serviceColor]
    const pods = (target?.ready ?? 0) + (target?.old ?? 0)
    if (target === undefined || pods < target.replicas || pods === 0)
      return `traffic switches to ${pods} of ${target?.replicas} ready pods`
  }
  for (const color of colors) {
    const [then, now] = [before.deployments[color], after.deployments[color]]
    if (then === undefined || before.endpoints[color] === 0) continue
    if (now === undefined) return `${color} is deleted while the Service selects it`
    if (now.replicas < then.replicas) return `${color} is scaled down while the Service selects it`
    if (now.revision !== then.revision && before.policy.strategy === 'BlueGreen')
      return `${color} gets another template while the Service selects it`
  }
  const wrongJob = whatIsWrongWithJobs(before, after)
  if (wrongJob !== undefined) return wrongJob
  const failed = before.record.failedRevision
  const isWanted = before.specRevision !== failed || before.actions.rollbackTo === failed
  if (failsWrongly(before, after)) return `${after.record.failedRevision} fails while the databases are unavailable`
  if (failed === undefined || isWanted) return undefined
  return colors.some(
    (color) => after.deployments[color]?.revision === failed && before.deployments[color]?.revision !== failed,
  )
    ? `${failed} failed and is retried`
    : undefined
}

/**
 * Its own data, a user, and its last smoke test may fail a revision at any time. Analysis and deadlines may not during
 * an outage.
 */
function failsWrongly({ hasOutage, record: then }: SimulatedCluster, { record }: SimulatedCluster): boolean {
  const wasLastTest = (then.retest?.count ?? 0) >= mostRetests
  if ((record.failure ?? '').includes('smoke test failed') && !wasLastTest && hasOutage && !then.failedRevision)
    return record.failedRevision !== undefined
  if (!hasOutage || record.failedRevision === undefined || record.failedRevision === then.failedRevision) return false
  return record.lastOutcome === 'DeadlineExceeded' || (record.failure ?? '').includes('analysis of live traffic')
}

/**
 * Pods start after the database is ready for them, and a contraction runs after the last pod that needs the old schema.
 */
function whatIsWrongWithJobs(before: SimulatedCluster, after: SimulatedCluster): string | undefined {
  const [then, now] = [before.contraction, after.contraction]
  const others = [...podRevisionsOf(before)].filter((revision) => revision !== now?.revision)
  if (now !== undefined && now !== then && now.state === 'running' && others.length > 0)
    return `the database is contracted for ${now.revision} while ${others} has pods`
  for (const color of colors) {
    const started = after.deployments[color]
    const was = before.deployments[color]
    const isNew = started?.revision !== was?.revision && started !== undefined && started.replicas > 0
    const { migration, sharesDatabase } = before
    const isPrepared =
      migration?.state === 'done' &&
      (migration.revision === started?.revision || isTakenOver(migration, sharesDatabase))
    if (isNew && !isPrepared && started.revision !== before.record.currentRevision)
      return `${color} gets ${started.revision} before the database is ready for it`
  }
  return undefined
}

/**
 * The final state of each path, by the identity of each cluster on it. Paths that meet have the same final state, so
 * each is explored once.
 */
type KnownEnds = Map<string, string>

/** Follows a path until it ends or meets a known one. @param next gives the next cluster; undefined at the end */
function endOf(
  start: SimulatedCluster,
  known: KnownEnds,
  next: (cluster: SimulatedCluster) => SimulatedCluster | undefined,
): string {
  const way = new Set<string>()
  let cluster = start
  for (let steps = 0; steps < 5000; steps++) {
    const id = identity(cluster)
    way.add(id)
    const after = known.has(id) ? undefined : next(cluster)
    if (after === undefined) {
      const end = known.get(id) ?? describeEnd(cluster)
      for (const passed of way) known.set(passed, end)
      return end
    }
    cluster = after
  }
  throw new Error(`does not end: ${JSON.stringify(start)}`)
}

/** Continues without disturbances until nothing changes. */
function comeToRest(start: SimulatedCluster, known: KnownEnds): string {
  let before = ''
  let unchanged = 0
  return endOf(setOutage(start, false), known, (cluster) => {
    const now = identity(cluster)
    unchanged = now === before ? unchanged + 1 : 0
    before = now
    // Longer than every delay and deadline: whatever has not changed by then never will.
    if (unchanged > 10) return undefined
    return passTime(step(cluster), 100)
  })
}

function describeEnd({ record, serviceColor, deployments }: SimulatedCluster): string {
  const late =
    record.failedRevision !== undefined && record.lastOutcome === 'DeadlineExceeded' ? ', another was late' : ''
  return `${record.phase} with ${serviceColor && deployments[serviceColor]?.revision}${late}`
}

/**
 * An operator that reconciles late may see other traffic, but the rollout converges, and no revision fails because the
 * operator is late.
 */
function isAlike(left: string, rest: string): boolean {
  return left.startsWith('Stable') && left.includes('late') === rest.includes('late')
}

function walk(start: SimulatedCluster, events: Events, mostStates: number) {
  const parents = new Map<string, string>([[identity(start), 'start']])
  const queue = [{ cluster: start, path: 'start' }]
  const rests = new Map<string, number>()
  const [restEnds, quietEnds]: [KnownEnds, KnownEnds] = [new Map(), new Map()]
  let steps = 0
  for (let next = queue.shift(); next !== undefined && parents.size < mostStates; next = queue.shift()) {
    for (const [name, event] of Object.entries(events)) {
      const after = event(next.cluster)
      steps++
      const path = `${next.path} → ${name}`
      const wrong = whatIsWrong(next.cluster, after)
      if (wrong !== undefined) throw new Error(`${wrong}: ${path}\n${JSON.stringify(next.cluster)}`)
      const id = identity(after)
      if (parents.has(id)) continue
      parents.set(id, path)
      queue.push({ cluster: after, path })
      const rest = comeToRest(after, restEnds)
      rests.set(rest, (rests.get(rest) ?? 0) + 1)
      if (!rest.startsWith('Stable')) throw new Error(`comes to rest as ${rest}: ${path}\n${JSON.stringify(after)}`)
      const left = endOf(setOutage(after, false), quietEnds, untilNextReconcile)
      if (!isAlike(left, rest))
        throw new Error(`without further events it ends as ${left}, not as ${rest}: ${path}\n${JSON.stringify(after)}`)
    }
  }
  return { states: parents.size, steps, rests, complete: queue.length === 0 }
}

const policy: RolloutPolicy = { ...simulatedPolicy, scaleDownDelaySeconds: 1 }
/** Pods start one after the other. */
const oneByOne: RolloutPolicy = { ...policy, maxSurge: 1 }

/** An image and a database that a Job has prepared long ago. */
const sharedJobs: Partial<SimulatedCluster> = {
  sharesDatabase: true,
  migration: { revision: 'r1', startedAt: undefined, state: 'done' },
}

test.each<[string, string, Events, RolloutPolicy?, Partial<SimulatedCluster>?]>([
  ['r2', 'the operator terminates anywhere', { ...deaths, ...clock }],
  ['r2-slow', 'the operator terminates anywhere', { ...deaths, ...clock }],
  ['r2-failing', 'the operator terminates anywhere', { ...deaths, ...clock }],
  ['r2-unready', 'the operator terminates anywhere', { ...deaths, ...clock }],
  ['r2-refused', 'the operator terminates anywhere', { ...deaths, ...clock }],
  ['r2', 'the databases become unavailable and recover', outages],
  ['r2-slow', 'the databases become unavailable and recover', outages],
  ['r2-failing', 'the databases become unavailable and recover', outages],
  ['r2-unready', 'the databases become unavailable and recover', { ...outages, ...deaths }],
  ['r2', 'the operator terminates anywhere, pods start one by one', { ...deaths, ...clock }, oneByOne],
  ['r2-slow', 'the databases become unavailable and recover, pods start one by one', outages, oneByOne],
  ['r2', 'users request actions, pods start one by one', users, oneByOne],
  ['r2', 'nodes are drained', drains],
  ['r2-slow', 'nodes are drained', drains],
  ['r2', 'the spec changes at any time', specs('r1', 'r2')],
  ['r2', 'a third spec arrives in the middle', specs('r3')],
  ['r2-slow', 'the spec changes at any time', specs('r1', 'r2-slow')],
  ['r2', 'users interfere', users],
  ['r2-slow', 'users interfere', users],
  ['r2', 'users request actions and all revisions share their Jobs', users, policy, sharedJobs],
])(
  '%s, while %s: every order of events is safe and converges',
  (specRevision, _, more, paced = policy, fields = {}) => {
    const start = atRest({ specRevision, policy: paced, ...fields })
    const { states, steps, rests, complete } = walk(start, { ...always, ...more }, 300_000)
    console.log(`${states} states, ${steps} steps, ${JSON.stringify([...rests])}`)
    expect(complete, `the exploration is complete (${states} states)`).toBe(true)
  },
  // Only computes, so other programs on a busy machine can slow it down severalfold.
  400_000,
)
