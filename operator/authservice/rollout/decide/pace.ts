import type { Color } from '../../model/colors.ts'
import type { RolloutObservation, RolloutPolicy } from './observation.ts'

/**
 * The next number of replicas for a colour. A starting server uses CPU for a second, which slows down the servers on
 * the same node. While some pods serve, `maxSurge` pods start at the same time: a number, or a percentage of the
 * serving pods. If no pod serves, all start at once. Never less than the current number, unless fewer are desired.
 */
export function paced(
  { colors, policy }: Pick<RolloutObservation, 'colors' | 'policy'>,
  color: Color,
  wanted: number,
): number {
  const { replicas = 0, readyReplicas = 0 } = colors[color] ?? {}
  // A colour on standby also has ready pods, but they serve no clients.
  const serving = Math.max(0, ...Object.values(colors).map((one) => one.readyReplicas))
  if (serving === 0 || wanted <= replicas) return wanted
  return Math.max(replicas, Math.min(wanted, readyReplicas + mostStarting(policy, serving)))
}

/** Rounded up, as Kubernetes does, and at least one. */
function mostStarting({ maxSurge }: RolloutPolicy, serving: number): number {
  const pods = typeof maxSurge === 'number' ? maxSurge : Math.ceil((Number.parseInt(maxSurge, 10) / 100) * serving)
  return Math.max(1, pods)
}
