import { type Course, isIn, type StepResult, secondsInPhase } from './course.ts'

/** Pods whose metrics cannot be read give no verdict: it is not waited for longer than this, in seconds. */
const longestWaitForVerdictSeconds = 30

/** Whether live traffic has shown that the revision is good. */
export type Verification =
  | { proven: true; message: string }
  | { proven: false; step: Pick<StepResult, 'phase' | 'message' | 'failure' | 'requeueAfterSeconds'> }

/** Watches the revision with live traffic for the window. A failed verdict that is to be taken back never gets here. */
export function verify(course: Course): Verification {
  const { world, revision, isRollback } = course
  const { policy, orders } = world
  if (!policy.analysisEnabled || isRollback) return { proven: true, message: 'the revision has the traffic' }

  const watched = isIn(course, 'Verifying') ? secondsInPhase(course) : 0
  const left = policy.analysisWindowSeconds - watched
  const analysis = world.analysis?.revision === revision ? world.analysis : undefined
  const step = { phase: 'Verifying' } as const
  if (analysis?.verdict === 'fail' && orders.promote !== revision) {
    const failure = `the traffic of revision ${revision} is worse: ${analysis.message}`
    const choice = `spec.rollout.autoRollback is off: annotate promote or abort with ${revision}`
    return { proven: false, step: { ...step, message: `${failure}; ${choice}`, failure } }
  }
  if (analysis?.outage === 'now') {
    return { proven: false, step: { ...step, message: analysis.message, requeueAfterSeconds: 5 } }
  }
  if (left > 0) {
    const message = `live traffic is watched for ${Math.ceil(left)} s more${analysis ? `: ${analysis.message}` : ''}`
    return { proven: false, step: { ...step, message, requeueAfterSeconds: Math.min(left, 5) } }
  }
  if (analysis === undefined && left > -longestWaitForVerdictSeconds) {
    const message = 'the metrics of the pods are being read'
    return { proven: false, step: { ...step, message, requeueAfterSeconds: 2 } }
  }
  return { proven: true, message: analysis?.message ?? 'no verdict: the metrics of the pods could not be read' }
}
