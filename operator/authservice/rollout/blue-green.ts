import {
  type Course,
  deadlineFrom,
  decided,
  isIn,
  isWhole,
  keepIdle,
  keepIdleTemplate,
  liveCount,
  type StepResult,
  secondsInPhase,
} from './course.ts'
import { describeColor } from './describe.ts'
import { paced } from './pace.ts'
import { verify } from './verify.ts'
import type { RolloutDecision } from './world.ts'

/**
 * The other colour is filled with the revision, at the count that the live load asks for, tested, and gets the traffic
 * once the gate is open. Until then the live colour is not touched.
 */
export function beforeSwitch(course: Course): RolloutDecision {
  const { world, live, idle, stable, revision, needed } = course
  const target = world.colors[idle]
  if (world.endpoints[idle] > 0 && target?.revision !== revision) {
    const message = `waiting for the endpoints of the Service to leave ${idle}`
    const templates = { [live]: stable, ...keepIdleTemplate(course) }
    return decided(course, { phase: 'Preparing', message, templates, counts: liveCount(course) })
  }
  const isReady = isWhole(target, revision, needed) && world.previewEndpoints[idle] >= needed
  const filling: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: stable, [idle]: revision },
    // Traffic that is on its way back from it leaves before any of its pods does.
    counts: {
      ...liveCount(course),
      ...(world.endpoints[idle] > 0 ? keepIdle(course) : { [idle]: paced(world, idle, needed) }),
    },
    previewColor: (target?.availableReplicas ?? 0) > 0 && target?.revision === revision ? idle : undefined,
    memory: { targetColor: idle },
  }
  const hold = (phase: StepResult['phase'], message: string, more: Partial<StepResult> = {}) =>
    decided(course, { ...filling, phase, message, ...more })

  const wasReady = isIn(course, 'Testing', 'AwaitingPromotion', 'Promoting', 'Verifying')
  if (!isReady && !wasReady) return hold('Preparing', waitingFor(course))

  const wasTested = isIn(course, 'AwaitingPromotion', 'Promoting', 'Verifying')
  if (!wasTested && needsTest(course)) {
    const message = world.smokeTest?.revision === revision ? world.smokeTest.message : 'the smoke test starts'
    return hold('Testing', message, { smokeTestOf: revision })
  }
  const gate = gateOf(course)
  if (gate !== undefined) return hold('AwaitingPromotion', gate.message, { requeueAfterSeconds: gate.seconds })
  if (!isReady) return hold('AwaitingPromotion', waitingFor(course))

  // The autoscaler moves with the Service, so neither colour's count is touched in this step. The time that a person
  // took to open the gate does not count against the revision.
  return decided(course, {
    ...filling,
    phase: 'Promoting',
    message: `traffic moves from ${live} to ${idle}`,
    activeColor: idle,
    previewColor: live,
    counts: {},
    memory: { targetColor: idle, deadline: deadlineFrom(course) },
  })
}

function waitingFor({ world, idle, needed, revision }: Course): string {
  const target = world.colors[idle]
  if (isWhole(target, revision, needed)) return `waiting for the endpoints of ${idle}`
  if (target !== undefined && target.revision !== revision) return `${idle} gets the new revision`
  return describeColor(idle, target, needed)
}

function needsTest({ world, revision, isRollback }: Course): boolean {
  if (!world.policy.smokeTestEnabled || isRollback) return false
  return !(world.smokeTest?.revision === revision && world.smokeTest.state === 'passed')
}

/** What holds the traffic back; undefined when nothing does. */
function gateOf(course: Course): { message: string; seconds: number | undefined } | undefined {
  const { world, revision, isRollback } = course
  const wasOpen = isIn(course, 'Promoting', 'Verifying')
  if (isRollback || wasOpen || world.orders.promote === revision) return undefined
  if (world.policy.promotion === 'Manual') {
    return { message: `waits for kubectl authservice promote (revision ${revision})`, seconds: undefined }
  }
  const waited = isIn(course, 'AwaitingPromotion') ? secondsInPhase(course) : 0
  const left = world.policy.autoPromoteAfterSeconds - waited
  return left > 0 ? { message: `is promoted in ${Math.ceil(left)} s`, seconds: left } : undefined
}

/** The revision has the traffic, the last good one stands by. */
export function afterSwitch(course: Course): RolloutDecision {
  const { world, live, idle, stable, revision, needed } = course
  const standing: Omit<StepResult, 'phase' | 'message'> = {
    templates: { [live]: revision, [idle]: stable },
    counts: { ...liveCount(course), ...keepIdle(course) },
    previewColor: idle,
    memory: { targetColor: live },
  }
  const isSeen = world.endpoints[idle] === 0 && (world.endpoints[live] > 0 || needed === 0)
  if (!isSeen && !isIn(course, 'Verifying')) {
    const message = `waiting for the endpoints of the Service to leave ${idle}`
    // An operator that died right after the switch left no new deadline, and that of before may be long over.
    const deadline = isIn(course, 'Promoting') ? {} : { deadline: deadlineFrom(course) }
    return decided(course, { ...standing, phase: 'Promoting', message, memory: { targetColor: live, ...deadline } })
  }
  const verdict = verify(course)
  if (!verdict.proven) return decided(course, { ...standing, ...verdict.step })
  return decided(course, {
    ...standing,
    phase: 'Retiring',
    message: verdict.message,
    memory: { targetColor: live, currentRevision: revision, lastOutcome: 'Promoted' },
    complete: isWhole(world.colors[live], revision, needed),
    requeueAfterSeconds: 1,
  })
}
