import { canRun, type Goal, hasDeadline, isOutage } from './goal.ts'
import { paced } from './pace.ts'
import {
  type AnalysisResult,
  type Color,
  colors,
  isUnderWay,
  type ObservedColor,
  type RolloutDecision,
  type RolloutMemory,
  type RolloutOrders,
  type RolloutPhase,
  type RolloutWorld,
} from './world.ts'

/** What every step of a rollout works with. */
export interface Course extends Goal {
  world: RolloutWorld
  now: Date
  /** Colour that has the traffic. */
  live: Color
  idle: Color
  /** Pods that the live load asks for. */
  needed: number
}

/** What one step decides; the rest follows from the course. */
export interface StepResult {
  phase: RolloutPhase
  message: string
  /** Colour that is to have the traffic; the live one unless it moves. */
  activeColor?: Color
  previewColor?: Color | undefined
  templates: RolloutDecision['templates']
  counts?: RolloutDecision['counts']
  smokeTestOf?: string
  contractionOf?: string | undefined
  memory?: Partial<RolloutMemory>
  complete?: boolean
  failure?: string | undefined
  requeueAfterSeconds?: number | undefined
}

/** Shortest pause before the next look, in seconds: time alone changes nothing quicker. */
const shortestPauseSeconds = 1

/** Puts the result of a step together with what is remembered of the course. */
export function decided(course: Course, result: StepResult): RolloutDecision {
  const { world, now, live } = course
  const { phase, message, templates, counts = {}, complete = false, failure, requeueAfterSeconds } = result
  const activeColor = result.activeColor ?? live
  const before = withResults(tracked(course), world)
  const memory: RolloutMemory = {
    ...before,
    ...forgivenDeadline(course, before),
    activeColor,
    phase,
    phaseStartedAt: before.phase === phase ? (before.phaseStartedAt ?? now) : now,
    ...result.memory,
  }
  return {
    revision: course.revision,
    activeColor,
    previewColor: result.previewColor,
    templates,
    counts: differingCounts(world, counts),
    smokeTestOf: result.smokeTestOf,
    contractionOf: result.contractionOf,
    ordersTaken: ordersTaken(course, phase),
    memory,
    complete,
    failure,
    message: isUnderWay(phase) && isOutage(world, course.revision) ? `${message}; ${outageNote}` : message,
    requeueAfterSeconds: nextLook(requeueAfterSeconds, memory, now),
  }
}

/**
 * When time alone brings something about: what the step waits for, or the deadline. A pod that never becomes ready
 * changes nothing in the cluster, so nothing else would call for the visit that finds it late.
 */
function nextLook(wanted: number | undefined, { phase, deadline }: RolloutMemory, now: Date): number | undefined {
  const left = hasDeadline.has(phase) && deadline !== undefined ? (deadline.getTime() - now.getTime()) / 1000 : -1
  // Late is what is past the deadline, not what is at it.
  const looks = [wanted, left < 0 ? undefined : left + 1].filter((seconds) => seconds !== undefined)
  return looks.length === 0 ? undefined : Math.max(shortestPauseSeconds, Math.min(...looks))
}

/** What the test and the traffic of the tracked revision last showed stays on record. */
function withResults(memory: RolloutMemory, { smokeTest, analysis }: RolloutWorld): RolloutMemory {
  const tested = smokeTest?.revision === memory.revision && smokeTest?.state !== 'running' ? smokeTest : undefined
  const judged = analysis?.revision === memory.revision && isUnderWay(memory.phase) ? analysis : undefined
  return {
    ...memory,
    ...(tested && { smokeTest: { passed: tested.state === 'passed', message: tested.message } }),
    ...(judged && { analysis: recordOf(judged) }),
  }
}

function recordOf({ verdict, message, outage }: AnalysisResult): NonNullable<RolloutMemory['analysis']> {
  return { verdict, message, hadOutage: outage !== undefined }
}

/** A promotion that comes early waits for its gate; every other order is settled by the visit that sees it. */
function ordersTaken({ world, revision }: Course, phase: RolloutPhase): RolloutDecision['ordersTaken'] {
  const isBeforeGate = ['RollingBack', 'Preparing', 'Testing', 'AwaitingPromotion'].includes(phase)
  const isEarly = world.orders.promote === revision && isBeforeGate
  const names: (keyof RolloutOrders)[] = ['promote', 'abort', 'rollbackTo']
  return names.filter((name) => world.orders[name] !== undefined && !(name === 'promote' && isEarly))
}

/** The memory of the revision's own way; a new revision, or one that is tried again, starts a new one. */
function tracked(course: Course): RolloutMemory {
  const { memory, now, revision, stable } = course
  if (revision === stable || (memory.revision === revision && isUnderWay(memory.phase))) return memory
  const fresh = { startedAt: now, phaseStartedAt: now, deadline: deadlineFrom(course) }
  const unknown = { targetColor: undefined, smokeTest: undefined, analysis: undefined }
  return { ...memory, ...fresh, ...unknown, revision, phase: 'Preparing' }
}

const outageNote = 'no pod of any colour is available, which is not held against the revision'

/** A deadline that passes while no pod of any colour is available starts anew. */
function forgivenDeadline(course: Course, { phase, deadline }: RolloutMemory): Partial<RolloutMemory> {
  const isLate = isUnderWay(phase) && deadline !== undefined && course.now > deadline
  return isLate && isOutage(course.world, course.revision) ? { deadline: deadlineFrom(course) } : {}
}

/** When a revision that starts, or that gets the traffic, now will have failed. */
export function deadlineFrom({ now, world }: Course): Date {
  return new Date(now.getTime() + world.policy.progressDeadlineSeconds * 1000)
}

/** Counts that are there already need no write. */
function differingCounts(world: RolloutWorld, counts: RolloutDecision['counts']): RolloutDecision['counts'] {
  const differing = colors.filter(
    (color) => counts[color] !== undefined && counts[color] !== world.colors[color]?.replicas,
  )
  return Object.fromEntries(differing.map((color) => [color, counts[color]]))
}

/** Seconds since the present phase of the goal's revision began; never negative. */
export function secondsInPhase({ memory, now }: Course): number {
  return memory.phaseStartedAt === undefined ? 0 : Math.max(0, (now.getTime() - memory.phaseStartedAt.getTime()) / 1000)
}

/** Whether memory speaks of the goal's revision in one of these phases. */
export function isIn({ memory, revision }: Course, ...phases: RolloutPhase[]): boolean {
  return memory.revision === revision && phases.includes(memory.phase)
}

/** Count of the live colour where no autoscaler looks after it, or where it left the colour at zero. */
export function liveCount({ world, live, needed }: Course): RolloutDecision['counts'] {
  const isAsleep = (world.colors[live]?.replicas ?? 0) === 0
  return world.scaling.kind === 'fixed' || isAsleep ? { [live]: paced(world, live, needed) } : {}
}

/** The idle colour to zero, unless the Service still leads there: what it was switched away from ends last. */
export function emptyIdle({ world, idle }: Course): RolloutDecision['counts'] {
  return world.colors[idle] === undefined || world.endpoints[idle] > 0 ? {} : { [idle]: 0 }
}

/** The idle colour's own template, so that nothing of it changes; one that cannot be read becomes the last good one. */
export function keepIdleTemplate({ world, idle, stable }: Course): RolloutDecision['templates'] {
  const other = world.colors[idle]
  if (other === undefined) return {}
  return { [idle]: other.revision !== undefined && canRun(world, other.revision) ? other.revision : stable }
}

/** A standby never shrinks, and grows with the live load, so that going back is possible at any moment. */
export function keepIdle({ world, idle, needed }: Course): RolloutDecision['counts'] {
  return { [idle]: Math.max(world.colors[idle]?.replicas ?? 0, needed) }
}

/** Every wanted pod runs the revision and is available, and no older one is left. */
export function isWhole(color: ObservedColor | undefined, revision: string, needed: number): boolean {
  return (
    color?.current === true &&
    color.revision === revision &&
    color.replicas === needed &&
    color.updatedReplicas === needed &&
    color.availableReplicas >= needed &&
    color.totalReplicas === needed
  )
}
