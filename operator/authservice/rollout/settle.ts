import {
  type Course,
  decided,
  emptyIdle,
  isWhole,
  keepIdle,
  keepIdleTemplate,
  liveCount,
  secondsInPhase,
} from './course.ts'
import { contractionNote, isContracting, mayContract } from './database.ts'
import { describeColor } from './describe.ts'
import { canRun } from './goal.ts'
import type { RolloutDecision } from './world.ts'

/** Nothing new is wanted: the other colour stands by for a while after a promotion, and is emptied otherwise. */
export function settle(course: Course): RolloutDecision {
  const { world, live, idle, stable, needed, memory } = course
  const other = world.colors[idle]
  const templates = { [live]: stable, ...keepIdleTemplate(course) }
  const left = memory.phase === 'Retiring' ? world.policy.scaleDownDelaySeconds - secondsInPhase(course) : 0
  if (left > 0 && other !== undefined && other.replicas > 0) {
    return decided(course, {
      phase: 'Retiring',
      message: `the old colour, ${idle}, stays whole for ${Math.ceil(left)} s more`,
      templates,
      previewColor: idle,
      counts: { ...liveCount(course), ...keepIdle(course) },
      complete: isWhole(world.colors[live], stable, needed),
      failure: failureOf(course),
      requeueAfterSeconds: left,
    })
  }
  const isWholeNow = isWhole(world.colors[live], stable, needed)
  const isGone = (other?.totalReplicas ?? 0) === 0
  const isReturning = memory.phase !== 'Stable' && memory.phase !== 'Retiring' && memory.currentRevision !== undefined
  const isFirst = memory.currentRevision === undefined && !isWholeNow
  return decided(course, {
    phase: isFirst ? 'Preparing' : isReturning && !(isWholeNow && isGone) ? 'RollingBack' : 'Stable',
    message:
      isWholeNow && !isGone
        ? `${idle} is being emptied`
        : `${describeColor(live, world.colors[live], needed)}${contractionNote(course)}`,
    contractionOf: ((isWholeNow && isGone) || isContracting(course)) && mayContract(course) ? stable : undefined,
    templates,
    counts: { ...liveCount(course), ...emptyIdle(course) },
    memory: {
      targetColor: undefined,
      ...(isFirst && { revision: stable }), // another one than before, when the spec was mended
      ...(isWholeNow && { currentRevision: stable }),
    },
    complete: isWholeNow,
    failure: failureOf(course),
  })
}

/**
 * The live colour runs something that is not good, or not wanted any more. Where the last good revision still stands in
 * the other colour the Service moves there at once: as many pods as it has are better than any number of bad ones, and
 * it grows in the same step. Elsewhere the live Deployment gets its last good template back, pod by pod.
 */
export function goBack(course: Course): RolloutDecision {
  const { world, live, idle, stable, memory } = course
  const failed = memory.failure ?? 'another revision is wanted'
  const standby = world.colors[idle]
  if (standby?.revision === stable && standby.replicas > 0) {
    const isReady = standby.current && standby.availableReplicas >= standby.replicas
    return decided(course, {
      phase: 'RollingBack',
      message: `${failed}; ${isReady ? `traffic goes back to ${idle}` : describeColor(idle, standby, standby.replicas)}`,
      ...(isReady && { activeColor: idle }),
      previewColor: isReady ? live : idle,
      templates: { [idle]: stable, ...keepTemplate(course) },
      counts: keepIdle(course),
      failure: failureOf(course),
    })
  }
  return decided(course, {
    phase: 'RollingBack',
    message: `${failed}; the pods of ${live} go back to revision ${stable}`,
    templates: { [live]: stable, ...keepIdleTemplate(course) },
    counts: { ...liveCount(course), ...emptyIdle(course) },
    failure: failureOf(course),
  })
}

/** The live colour's own template, as long as it can be made again. */
function keepTemplate({ world, live }: Course): RolloutDecision['templates'] {
  const revision = world.colors[live]?.revision
  return revision !== undefined && canRun(world, revision) ? { [live]: revision } : {}
}

/** Said until the spec asks for something else, so that nobody takes the old revision for the new one. */
function failureOf({ memory }: Course): string | undefined {
  const { failedRevision, failure } = memory
  if (failedRevision === undefined) return undefined
  return `revision ${failedRevision} was not rolled out: ${failure}. Change the spec, or ask for it again with rollback-to: ${failedRevision}`
}
