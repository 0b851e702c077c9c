import { timestamp } from '../../model/timestamp.ts'
import {
  deadlineFrom,
  endOfPhase,
  isFullyAvailable,
  isIn,
  keepStandby,
  keepStandbyTemplate,
  liveCount,
  type RolloutContext,
  type StepResult,
  secondsInPhase,
  toDecision,
} from './context.ts'
import type { RolloutDecision } from './decision.ts'
import { describeColor } from './describe.ts'
import { paced } from './pace.ts'
import { testStep } from './retest.ts'
import { verify } from './verify.ts'

/**
 * The standby colour gets the revision and as many pods as the live colour needs, is tested, and receives the traffic
 * after the promotion. Until then, the live colour does not change.
 */
export function beforeSwitch(context: RolloutContext): RolloutDecision {
  const { observed, live, standby, stable, revision, needed } = context
  const target = observed.colors[standby]
  if (observed.endpoints[standby] > 0 && target?.revision !== revision) {
    const message = `waiting until the endpoints of the Service contain no pod of ${standby}`
    const templates = { [live]: stable, ...keepStandbyTemplate(context) }
    return toDecision(context, { phase: 'Preparing', message, templates, counts: liveCount(context) })
  }
  const isReady = isFullyAvailable(target, revision, needed) && observed.previewEndpoints[standby] >= needed
  const prepared: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: stable, [standby]: revision },
    // While the Service still has endpoints there, the traffic moves away before any pod is removed.
    counts: {
      ...liveCount(context),
      ...(observed.endpoints[standby] > 0 ? keepStandby(context) : { [standby]: paced(observed, standby, needed) }),
    },
    previewColor: (target?.availableReplicas ?? 0) > 0 && target?.revision === revision ? standby : undefined,
    record: { targetColor: standby },
  }
  const hold = (phase: StepResult['phase'], message: string, more: Partial<StepResult> = {}) =>
    toDecision(context, { ...prepared, phase, message, ...more })

  const wasReady = isIn(context, 'Testing', 'AwaitingPromotion', 'Promoting', 'Verifying')
  if (!isReady && !wasReady) return hold('Preparing', waitingFor(context))

  const wasTested = isIn(context, 'AwaitingPromotion', 'Promoting', 'Verifying')
  if (!wasTested && needsTest(context)) {
    const test = testStep(context)
    return hold('Testing', test.message, { ...test, record: { targetColor: standby, ...test.record } })
  }
  const promotion = promotionWait(context)
  if (promotion !== undefined) return hold('AwaitingPromotion', promotion.message, promotion.wait)
  if (!isReady) return hold('AwaitingPromotion', waitingFor(context))

  // The autoscaler moves together with the Service, so this step changes neither count. The time until the promotion
  // does not count against the revision.
  // count against the revision.
  return toDecision(context, {
    ...prepared,
    phase: 'Promoting',
    message: `moving the traffic from ${live} to ${standby}`,
    activeColor: standby,
    previewColor: live,
    counts: {},
    record: { targetColor: standby, deadline: deadlineFrom(context) },
  })
}

function waitingFor({ observed, standby, needed, revision }: RolloutContext): string {
  const target = observed.colors[standby]
  if (isFullyAvailable(target, revision, needed)) return `waiting for the endpoints of ${standby}`
  if (target !== undefined && target.revision !== revision) return `${standby} gets the new revision`
  return describeColor(standby, target, needed)
}

function needsTest({ observed, revision, isRollback }: RolloutContext): boolean {
  if (!observed.policy.smokeTestEnabled || isRollback) return false
  return !(observed.smokeTest?.revision === revision && observed.smokeTest.state === 'passed')
}

/** Why the promotion waits; undefined: it does not. */
function promotionWait(
  context: RolloutContext,
): { message: string; wait: Pick<StepResult, 'until' | 'requeueAfterSeconds'> } | undefined {
  const { observed, revision, isRollback } = context
  const wasPromoted = isIn(context, 'Promoting', 'Verifying')
  if (isRollback || wasPromoted || observed.actions.promote === revision) return undefined
  if (observed.policy.promotion === 'Manual') {
    return { message: `waiting for kubectl authservice promote (revision ${revision})`, wait: {} }
  }
  const waited = isIn(context, 'AwaitingPromotion') ? secondsInPhase(context) : 0
  const left = observed.policy.autoPromoteAfterSeconds - waited
  if (left <= 0) return undefined
  const until = endOfPhase(context, isIn(context, 'AwaitingPromotion'), observed.policy.autoPromoteAfterSeconds)
  return { message: `promotion at ${timestamp(until)}`, wait: { until, requeueAfterSeconds: left } }
}

/** The revision receives the traffic, and the stable one is on standby until live traffic has proven the revision. */
export function afterSwitch(context: RolloutContext): RolloutDecision {
  const { observed, live, standby, stable, revision, needed } = context
  const switched: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: revision, [standby]: stable },
    counts: { ...liveCount(context), ...keepStandby(context) },
    previewColor: standby,
    record: { targetColor: live },
  }
  const isSeen = observed.endpoints[standby] === 0 && (observed.endpoints[live] > 0 || needed === 0)
  if (!isSeen && !isIn(context, 'Verifying')) {
    const message = `waiting until the endpoints of the Service contain no pod of ${standby}`
    // An operator that terminated right after the switch recorded no new deadline, and the old one may have passed.
    const deadline = isIn(context, 'Promoting') ? {} : { deadline: deadlineFrom(context) }
    return toDecision(context, { ...switched, phase: 'Promoting', message, record: { targetColor: live, ...deadline } })
  }
  const verdict = verify(context)
  if (!verdict.proven) return toDecision(context, { ...switched, ...verdict.step })
  return toDecision(context, {
    ...switched,
    phase: 'Retiring',
    message: verdict.message,
    record: { targetColor: live, currentRevision: revision, lastOutcome: 'Promoted' },
    complete: isFullyAvailable(observed.colors[live], revision, needed),
    requeueAfterSeconds: 1,
  })
}
