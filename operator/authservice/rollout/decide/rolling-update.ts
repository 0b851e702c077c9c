import {
  isFullyAvailable,
  isIn,
  keepStandbyTemplate,
  liveCount,
  type RolloutContext,
  type StepResult,
  scaleDownStandby,
  toDecision,
} from './context.ts'
import type { RolloutDecision } from './decision.ts'
import { describeColor } from './describe.ts'
import { verify } from './verify.ts'

/**
 * The live Deployment gets the template of the revision and replaces its pods one by one, each ready for
 * `minReadySeconds` before the next. Then its traffic is analysed.
 */
export function rollingUpdate(context: RolloutContext): RolloutDecision {
  const { observed, now, live, revision, needed, record } = context
  const rolling: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: revision, ...keepStandbyTemplate(context) },
    counts: { ...liveCount(context), ...scaleDownStandby(context) },
    record: { targetColor: undefined },
  }
  if (!isFullyAvailable(observed.colors[live], revision, needed) && !isIn(context, 'Verifying')) {
    const isLate = isIn(context, 'Preparing') && record.deadline !== undefined && now > record.deadline
    const message = describeColor(live, observed.colors[live], needed)
    const failure =
      `revision ${revision} was not ready within ${observed.policy.progressDeadlineSeconds} s: ${message}; ` +
      `spec.rollout.autoRollback is false: annotate abort with ${revision}, or change the spec`
    const requeueAfterSeconds = observed.policy.analysisEnabled ? 5 : undefined
    return toDecision(context, {
      ...rolling,
      phase: 'Preparing',
      message,
      requeueAfterSeconds,
      ...(isLate && { failure }),
    })
  }
  const verdict = verify(context)
  if (!verdict.proven) return toDecision(context, { ...rolling, ...verdict.step })
  return toDecision(context, {
    ...rolling,
    phase: 'Stable',
    message: verdict.message,
    record: { targetColor: undefined, currentRevision: revision, lastOutcome: 'Promoted' },
    complete: true,
  })
}
