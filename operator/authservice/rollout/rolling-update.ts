import {
  type Course,
  decided,
  emptyIdle,
  isIn,
  isWhole,
  keepIdleTemplate,
  liveCount,
  type StepResult,
} from './course.ts'
import { describeColor } from './describe.ts'
import { verify } from './verify.ts'
import type { RolloutDecision } from './world.ts'

/**
 * The live Deployment gets the revision's template and replaces its pods one by one, each ready for `minReadySeconds`
 * before the next; then it is watched for the window.
 */
export function rollingUpdate(course: Course): RolloutDecision {
  const { world, now, live, revision, needed, memory } = course
  const rolling: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: revision, ...keepIdleTemplate(course) },
    counts: { ...liveCount(course), ...emptyIdle(course) },
    memory: { targetColor: undefined },
  }
  if (!isWhole(world.colors[live], revision, needed) && !isIn(course, 'Verifying')) {
    const isLate = isIn(course, 'Preparing') && memory.deadline !== undefined && now > memory.deadline
    const message = describeColor(live, world.colors[live], needed)
    const failure =
      `revision ${revision} was not ready within ${world.policy.progressDeadlineSeconds} s: ${message}; ` +
      `spec.rollout.autoRollback is off: annotate abort with ${revision}, or change the spec`
    const requeueAfterSeconds = world.policy.analysisEnabled ? 5 : undefined
    return decided(course, { ...rolling, phase: 'Preparing', message, requeueAfterSeconds, ...(isLate && { failure }) })
  }
  const verdict = verify(course)
  if (!verdict.proven) return decided(course, { ...rolling, ...verdict.step })
  return decided(course, {
    ...rolling,
    phase: 'Stable',
    message: verdict.message,
    memory: { targetColor: undefined, currentRevision: revision, lastOutcome: 'Promoted' },
    complete: true,
  })
}
