import { afterSwitch, beforeSwitch } from './blue-green.ts'
import type { Course } from './course.ts'
import { isDatabaseAwaited, prepareDatabase } from './database.ts'
import { canRun, chooseGoal } from './goal.ts'
import { rollingUpdate } from './rolling-update.ts'
import { goBack, settle } from './settle.ts'
import { type Color, otherColor, type RolloutDecision, type RolloutMemory, type RolloutWorld } from './world.ts'

/**
 * Decides the next step of the rollout from what the cluster shows; of its own past it needs times and outcomes only.
 * An operator that starts in the middle of a rollout, after any step, goes on from there.
 *
 * | what the live colour runs | what is wanted | what happens |
 * |---|---|---|
 * | the last good revision | the same | `settle`: the other colour is kept for a while, then emptied |
 * | what never served | anything else | `settle`: it takes its place, as the first revision |
 * | something else | the last good revision | `goBack`: by the Service where the old colour stands, else pod by pod |
 * | something else, not proven | a third revision | `goBack` first: the next one starts from what is known to work |
 * | what is wanted, not proven | the same | `afterSwitch` or `rollingUpdate`: watched until it is proven |
 * | not what is wanted | what the database is not ready for | `prepareDatabase`: before any pod of it starts |
 * | the last good revision | another one | `beforeSwitch` or `rollingUpdate`, by the strategy |
 *
 * @param now the time that deadlines and windows are compared with; one that goes backwards only makes them longer
 */
export function decideRollout(world: RolloutWorld, memory: RolloutMemory, now: Date): RolloutDecision {
  const live = liveColorOf(world, memory)
  const goal = chooseGoal(world, memory, live, now)
  const course: Course = { world, now, live, idle: otherColor(live), needed: neededPods(world, live), ...goal }
  return chooseStep(course)(course)
}

type Step = (course: Course) => RolloutDecision

function chooseStep(course: Course): Step {
  const { world, live, idle, stable, revision, needed, memory } = course
  const seen = world.colors[live]?.revision
  const running = seen !== undefined && canRun(world, seen) ? seen : stable
  const standsBy = world.colors[idle]?.revision === stable && (world.colors[idle]?.replicas ?? 0) > 0
  if (running === stable) {
    if (revision === stable) return settle
    if (isDatabaseAwaited(course)) return prepareDatabase
    return world.policy.strategy === 'BlueGreen' && needed > 0 ? beforeSwitch : rollingUpdate
  }
  if (revision === stable) return memory.currentRevision === undefined ? settle : goBack
  if (running !== revision && standsBy) return goBack
  if (running !== revision && isDatabaseAwaited(course)) return prepareDatabase
  return standsBy ? afterSwitch : rollingUpdate
}

/**
 * Where the traffic goes. The Service tells; but one that selects a colour without a ready pod was not switched by us,
 * for that never happens: then the colour that status names, unless that has none, either.
 */
function liveColorOf({ serviceColor, colors }: RolloutWorld, { activeColor }: RolloutMemory): Color {
  const remembered = activeColor ?? serviceColor ?? 'blue'
  if (serviceColor === undefined || serviceColor === remembered) return remembered
  const hasPods = (color: Color) => (colors[color]?.availableReplicas ?? 0) > 0
  return hasPods(serviceColor) || !hasPods(remembered) ? serviceColor : remembered
}

/** Pods that the live load asks for. An autoscaler leaves a Deployment at zero alone for good, so that is no answer. */
function neededPods({ scaling, colors }: RolloutWorld, live: Color): number {
  if (scaling.kind === 'fixed') return scaling.replicas
  const count = colors[live]?.replicas ?? 0
  return count > 0 ? count : scaling.minReplicas
}
