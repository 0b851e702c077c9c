import { type Color, colors } from '../../model/colors.ts'
import type { RolloutDecision } from './decision.ts'
import type { AnalysisResult, ObservedColor, RolloutActions, RolloutObservation } from './observation.ts'
import { isOutage } from './outage.ts'
import { paced } from './pace.ts'
import { isInProgress, type RolloutPhase } from './phases.ts'
import type { RolloutRecord } from './record.ts'
import { canRun, hasDeadline, type Target } from './target.ts'

/** The input of every step of a rollout. */
export interface RolloutContext extends Target {
  observed: RolloutObservation
  now: Date
  /** Colour that receives the traffic. */
  live: Color
  standby: Color
  /** Number of pods that the live load needs. */
  needed: number
}

/** The result of one step. The rest of the decision follows from the context. */
export interface StepResult {
  phase: RolloutPhase
  message: string
  /** Colour that receives the traffic; the live one unless the traffic moves. */
  activeColor?: Color
  previewColor?: Color | undefined
  templates: RolloutDecision['templates']
  counts?: RolloutDecision['counts']
  smokeTestOf?: string
  contractionOf?: string | undefined
  record?: Partial<RolloutRecord>
  complete?: boolean
  failure?: string | undefined
  until?: Date
  requeueAfterSeconds?: number | undefined
}

/** Shortest time until the next reconcile, in seconds. */
const shortestPauseSeconds = 1

/** Completes the result of a step with the record, the actions and the next reconcile from the context. */
export function toDecision(context: RolloutContext, result: StepResult): RolloutDecision {
  const { observed, now, live } = context
  const { phase, message, templates, counts = {}, complete = false, failure, requeueAfterSeconds } = result
  const activeColor = result.activeColor ?? live
  const before = withResults(tracked(context), observed)
  const record: RolloutRecord = {
    ...before,
    ...forgivenDeadline(context, before),
    activeColor,
    phase,
    phaseStartedAt: before.phase === phase ? (before.phaseStartedAt ?? now) : now,
    ...(phase !== 'Testing' && { retest: undefined }),
    ...result.record,
  }
  return {
    revision: context.revision,
    activeColor,
    previewColor: result.previewColor,
    templates,
    counts: differingCounts(observed, counts),
    smokeTestOf: result.smokeTestOf,
    contractionOf: result.contractionOf,
    actionsTaken: actionsTaken(context, phase),
    record,
    complete,
    failure,
    message:
      isInProgress(phase) && isOutage(observed, context.revision) ? `${message}; ${outageNote(observed)}` : message,
    until: result.until,
    requeueAfterSeconds: requeueSeconds(requeueAfterSeconds, record, now),
  }
}

/**
 * When time alone changes the decision: the step waits for a time, or the deadline passes. A pod that never becomes
 * ready changes nothing in the cluster, so no event would start the reconcile that detects the missed deadline.
 */
function requeueSeconds(wanted: number | undefined, { phase, deadline }: RolloutRecord, now: Date): number | undefined {
  const left = hasDeadline.has(phase) && deadline !== undefined ? (deadline.getTime() - now.getTime()) / 1000 : -1
  // A revision misses its deadline after it, not at it.
  const looks = [wanted, left < 0 ? undefined : left + 1].filter((seconds) => seconds !== undefined)
  return looks.length === 0 ? undefined : Math.max(shortestPauseSeconds, Math.min(...looks))
}

/** Records the last results of the test and of the analysis of the revision. */
function withResults(record: RolloutRecord, { smokeTest, analysis }: RolloutObservation): RolloutRecord {
  const tested = smokeTest?.revision === record.revision && smokeTest?.state !== 'running' ? smokeTest : undefined
  const judged = analysis?.revision === record.revision && isInProgress(record.phase) ? analysis : undefined
  return {
    ...record,
    ...(tested && { smokeTest: { passed: tested.state === 'passed', message: tested.message } }),
    ...(judged && { analysis: recordOf(judged) }),
  }
}

function recordOf({ verdict, message, outage }: AnalysisResult): NonNullable<RolloutRecord['analysis']> {
  return { verdict, message, hadOutage: outage !== undefined }
}

/**
 * A promotion that comes early waits until it is possible. Every other action counts as taken in the reconcile that
 * sees it.
 */
function actionsTaken({ observed, revision }: RolloutContext, phase: RolloutPhase): RolloutDecision['actionsTaken'] {
  const isBeforeGate = ['RollingBack', 'Preparing', 'Testing', 'AwaitingPromotion'].includes(phase)
  const isEarly = observed.actions.promote === revision && isBeforeGate
  const names: (keyof RolloutActions)[] = ['promote', 'abort', 'rollbackTo']
  return names.filter((name) => observed.actions[name] !== undefined && !(name === 'promote' && isEarly))
}

/** The record of this rollout. A new revision, or another attempt at one, starts a new record. */
function tracked(context: RolloutContext): RolloutRecord {
  const { record, now, revision, stable } = context
  if (revision === stable || (record.revision === revision && isInProgress(record.phase))) return record
  const fresh = { startedAt: now, phaseStartedAt: now, deadline: deadlineFrom(context) }
  const unknown = { targetColor: undefined, smokeTest: undefined, retest: undefined, analysis: undefined }
  return { ...record, ...fresh, ...unknown, revision, phase: 'Preparing' }
}

/** Why the deadline does not count during an outage. */
function outageNote({ unavailableDatabases }: RolloutObservation): string {
  const cause =
    unavailableDatabases.length > 0
      ? `no server of any revision reaches ${unavailableDatabases.join(' or ')}`
      : 'no pod of any colour is available'
  return `${cause}; this does not count against the revision`
}

/** A deadline that passes during an outage starts again. */
function forgivenDeadline(context: RolloutContext, { phase, deadline }: RolloutRecord): Partial<RolloutRecord> {
  const isLate = isInProgress(phase) && deadline !== undefined && context.now > deadline
  return isLate && isOutage(context.observed, context.revision) ? { deadline: deadlineFrom(context) } : {}
}

/** The deadline of a revision that starts, or receives the traffic, now. */
export function deadlineFrom({ now, observed }: RolloutContext): Date {
  return new Date(now.getTime() + observed.policy.progressDeadlineSeconds * 1000)
}

/** Omits the counts that the Deployments already have. */
function differingCounts(observed: RolloutObservation, counts: RolloutDecision['counts']): RolloutDecision['counts'] {
  const differing = colors.filter(
    (color) => counts[color] !== undefined && counts[color] !== observed.colors[color]?.replicas,
  )
  return Object.fromEntries(differing.map((color) => [color, counts[color]]))
}

/** Seconds since the current phase began. Never negative. */
export function secondsInPhase({ record, now }: RolloutContext): number {
  return record.phaseStartedAt === undefined ? 0 : Math.max(0, (now.getTime() - record.phaseStartedAt.getTime()) / 1000)
}

/** The end of a phase of a fixed length, which began at the recorded time, or begins now. */
export function endOfPhase({ record, now }: RolloutContext, isInIt: boolean, seconds: number): Date {
  const began = isInIt ? (record.phaseStartedAt ?? now) : now
  return new Date(began.getTime() + seconds * 1000)
}

/** Whether the record shows the target revision in one of these phases. */
export function isIn({ record, revision }: RolloutContext, ...phases: RolloutPhase[]): boolean {
  return record.revision === revision && phases.includes(record.phase)
}

/**
 * Count of the live colour, unless an autoscaler sets it. An autoscaler does not scale a Deployment with zero replicas.
 */
export function liveCount({ observed, live, needed }: RolloutContext): RolloutDecision['counts'] {
  const isAsleep = (observed.colors[live]?.replicas ?? 0) === 0
  return observed.scaling.kind === 'fixed' || isAsleep ? { [live]: paced(observed, live, needed) } : {}
}

/** Scales the standby colour to zero, unless the Service still has endpoints there. */
export function scaleDownStandby({ observed, standby }: RolloutContext): RolloutDecision['counts'] {
  return observed.colors[standby] === undefined || observed.endpoints[standby] > 0 ? {} : { [standby]: 0 }
}

/**
 * Keeps the template of the standby colour unchanged. If it is unknown, the template of the stable revision is used.
 */
export function keepStandbyTemplate({ observed, standby, stable }: RolloutContext): RolloutDecision['templates'] {
  const other = observed.colors[standby]
  if (other === undefined) return {}
  return { [standby]: other.revision !== undefined && canRun(observed, other.revision) ? other.revision : stable }
}

/**
 * The standby colour never shrinks, and it grows with the live colour, so that a rollback is possible at any moment.
 */
export function keepStandby({ observed, standby, needed }: RolloutContext): RolloutDecision['counts'] {
  return { [standby]: Math.max(observed.colors[standby]?.replicas ?? 0, needed) }
}

/** Whether every desired pod runs the revision and is available, and no pod of another template is left. */
export function isFullyAvailable(color: ObservedColor | undefined, revision: string, needed: number): boolean {
  return (
    color?.current === true &&
    color.revision === revision &&
    color.replicas === needed &&
    color.updatedReplicas === needed &&
    color.availableReplicas >= needed &&
    color.totalReplicas === needed
  )
}
