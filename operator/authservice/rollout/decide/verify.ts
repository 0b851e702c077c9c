import { timestamp } from '../../model/timestamp.ts'
import { endOfPhase, isIn, type RolloutContext, type StepResult, secondsInPhase } from './context.ts'

/** Time in seconds to wait for metrics of the pods after the window. Without them, there is no verdict. */
const longestWaitForVerdictSeconds = 30

/** Whether live traffic has shown that the revision is good. */
export type Verification =
  | { proven: true; message: string }
  | { proven: false; step: Pick<StepResult, 'phase' | 'message' | 'failure' | 'until' | 'requeueAfterSeconds'> }

/** Analyses live traffic for the window. A verdict that rolls the revision back is handled before. */
export function verify(context: RolloutContext): Verification {
  const { observed, revision, isRollback } = context
  const { policy, actions } = observed
  if (!policy.analysisEnabled || isRollback) return { proven: true, message: 'the revision receives the traffic' }

  const watched = isIn(context, 'Verifying') ? secondsInPhase(context) : 0
  const left = policy.analysisWindowSeconds - watched
  const analysis = observed.analysis?.revision === revision ? observed.analysis : undefined
  const step = { phase: 'Verifying' } as const
  if (analysis?.verdict === 'fail') {
    // Also before the end of the window: the operator acts on an annotation once, and does not see it again.
    if (actions.promote === revision) return { proven: true, message: `promoted by a user: ${analysis.message}` }
    const failure = `revision ${revision} failed the analysis of live traffic: ${analysis.message}`
    const choice = `spec.rollout.autoRollback is false: annotate promote or abort with ${revision}`
    return { proven: false, step: { ...step, message: `${failure}; ${choice}`, failure } }
  }
  if (analysis?.outage === 'now') {
    return { proven: false, step: { ...step, message: analysis.message, requeueAfterSeconds: 5 } }
  }
  if (left > 0) {
    const until = endOfPhase(context, isIn(context, 'Verifying'), policy.analysisWindowSeconds)
    const message = `analysing live traffic until ${timestamp(until)}${analysis ? `: ${analysis.message}` : ''}`
    return { proven: false, step: { ...step, message, until, requeueAfterSeconds: Math.min(left, 5) } }
  }
  if (analysis === undefined && left > -longestWaitForVerdictSeconds) {
    const message = 'reading the metrics of the pods'
    return { proven: false, step: { ...step, message, requeueAfterSeconds: 2 } }
  }
  return { proven: true, message: analysis?.message ?? 'no result: the metrics of the pods could not be read' }
}
