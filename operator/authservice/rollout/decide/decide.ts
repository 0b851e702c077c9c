import { type Color, otherColor } from '../../model/colors.ts'
import { afterSwitch, beforeSwitch } from './blue-green.ts'
import type { RolloutContext } from './context.ts'
import type { RolloutDecision } from './decision.ts'
import { holdStable, rollBack } from './hold-stable.ts'
import type { RolloutObservation, SlotWait } from './observation.ts'
import { isInProgress } from './phases.ts'
import { isDatabaseAwaited, prepareDatabase } from './prepare-database.ts'
import type { RolloutRecord } from './record.ts'
import { rollingUpdate } from './rolling-update.ts'
import { canRun, chooseTarget } from './target.ts'

/**
 * Decides the next step of the rollout from what the cluster shows. Of the past it needs only times and outcomes, so an
 * operator that starts in the middle of a rollout, after any step, continues from there.
 *
 * | what the live colour runs | what is wanted | what happens |
 * |---|---|---|
 * | the last good revision | the same | `holdStable`: the standby colour is kept for a while, then scaled to zero |
 * | what never served | anything else | `holdStable`: the wanted revision replaces it, as the first revision |
 * | something else | the last good revision | `rollBack`: by the Service where the standby colour runs it, else pod by pod |
 * | something else, not proven | a third revision | `rollBack` first: the third one starts from a revision that is known to work |
 * | what is wanted, not proven | the same | `afterSwitch` or `rollingUpdate`: analysed until it is proven |
 * | not what is wanted | what the database is not migrated for | `prepareDatabase`: before any pod of it starts |
 * | the last good revision | another one | `beforeSwitch` or `rollingUpdate`, by the strategy |
 *
 * @param now what deadlines and windows are compared with; a clock that goes backwards only makes them longer
 */
export function decideRollout(observed: RolloutObservation, record: RolloutRecord, now: Date): RolloutDecision {
  const live = liveColorOf(observed, record)
  const target = chooseTarget(observed, record, live, now)
  const context: RolloutContext = {
    observed,
    now,
    live,
    standby: otherColor(live),
    needed: neededPods(observed, live),
    ...target,
  }
  const slotWait = startsRollout(context) ? observed.acquireSlot?.() : undefined
  const decision = slotWait === undefined ? start(context) : waitForSlot(context, slotWait)
  // The decision depends on what status records, and no event follows a change of its own status.
  const changesRecord = decisiveIn(decision.record) !== decisiveIn(record) || decision.actionsTaken.length > 0
  const { requeueAfterSeconds } = decision
  return {
    ...decision,
    requeueAfterSeconds: changesRecord ? 0 : requeueAfterSeconds,
    unrecordedRequeueAfterSeconds: requeueAfterSeconds,
  }
}

/** The part of the record that a decision depends on: everything except messages. */
function decisiveIn({ failure: _, smokeTest, analysis, ...record }: RolloutRecord): string {
  const fields = { ...record, passed: smokeTest?.passed, verdict: analysis?.verdict, hadOutage: analysis?.hadOutage }
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Whether this step would start a rollout that can wait: the stable revision serves completely, and no user requested
 * this one.
 */
function startsRollout({ observed, live, needed, revision, stable, isRollback, record }: RolloutContext): boolean {
  const isStarted = record.revision === revision && isInProgress(record.phase)
  const color = observed.colors[live]
  const servesWhole = color?.revision === stable && color.availableReplicas >= needed
  return revision !== stable && !isStarted && !isRollback && record.currentRevision !== undefined && servesWhole
}

function start(context: RolloutContext): RolloutDecision {
  const decision = chooseStep(context)(context)
  return { ...decision, record: { ...decision.record, waitingSince: undefined } }
}

/** Nothing changes until a slot is free. */
function waitForSlot(context: RolloutContext, { inProgress, limit, ahead }: SlotWait): RolloutDecision {
  const { revision, stable, record, now } = context
  const decision = chooseStep({ ...context, revision: stable })({ ...context, revision: stable })
  const position = ahead === 0 ? 'it is next' : `${ahead} others have waited longer`
  return {
    ...decision,
    // The stable revision differs from that of the spec.
    complete: false,
    message: `revision ${revision} is waiting for its turn: ${inProgress} other rollouts are in progress, maximum ${limit} (MAX_CONCURRENT_ROLLOUTS of the operator); ${position}`,
    record: { ...decision.record, waitingSince: record.waitingSince ?? now },
    requeueAfterSeconds: Math.min(longestWaitSeconds, 5 + ahead),
  }
}

/** The maximum delay until the rollout requests a slot again. */
const longestWaitSeconds = 60

type Step = (context: RolloutContext) => RolloutDecision

function chooseStep(context: RolloutContext): Step {
  const { observed, live, standby, stable, revision, needed, record } = context
  const observedRevision = observed.colors[live]?.revision
  const running = observedRevision !== undefined && canRun(observed, observedRevision) ? observedRevision : stable
  const standsBy = observed.colors[standby]?.revision === stable && (observed.colors[standby]?.replicas ?? 0) > 0
  if (running === stable) {
    if (revision === stable) return holdStable
    if (isDatabaseAwaited(context)) return prepareDatabase
    return observed.policy.strategy === 'BlueGreen' && needed > 0 ? beforeSwitch : rollingUpdate
  }
  if (revision === stable) return record.currentRevision === undefined ? holdStable : rollBack
  if (running !== revision && standsBy) return rollBack
  if (running !== revision && isDatabaseAwaited(context)) return prepareDatabase
  return standsBy ? afterSwitch : rollingUpdate
}

/**
 * The colour that receives the traffic: the one that the Service selects. The operator never selects a colour without a
 * ready pod, so such a Service was edited: then it is the colour in status, unless that has no ready pod, either.
 */
function liveColorOf({ serviceColor, colors }: RolloutObservation, { activeColor }: RolloutRecord): Color {
  const remembered = activeColor ?? serviceColor ?? 'blue'
  if (serviceColor === undefined || serviceColor === remembered) return remembered
  const hasPods = (color: Color) => (colors[color]?.availableReplicas ?? 0) > 0
  return hasPods(serviceColor) || !hasPods(remembered) ? serviceColor : remembered
}

/**
 * Number of pods that the live load needs. An autoscaler does not scale a Deployment with zero replicas, so a count of
 * zero is not meaningful.
 */
function neededPods({ scaling, colors }: RolloutObservation, live: Color): number {
  if (scaling.kind === 'fixed') return scaling.replicas
  const count = colors[live]?.replicas ?? 0
  return count > 0 ? count : scaling.minReplicas
}
