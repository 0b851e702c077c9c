import type { Color, RolloutPolicy, RolloutWorld } from './world.ts'

/**
 * The next count of a colour that is to have so many pods. A server computes for a second when it starts, and takes that
 * from the servers beside it; so as long as some serve, `maxSurge` pods start at a time: a number, or a part of those that
 * serve. Where nobody serves there is nobody to spare. Never less than there are already, unless less is wanted.
 */
export function paced(
  { colors, policy }: Pick<RolloutWorld, 'colors' | 'policy'>,
  color: Color,
  wanted: number,
): number {
  const { replicas = 0, readyReplicas = 0 } = colors[color] ?? {}
  // A colour that stands by has pods that are ready as well, and they answer nobody.
  const serving = Math.max(0, ...Object.values(colors).map((one) => one.readyReplicas))
  if (serving === 0 || wanted <= replicas) return wanted
  return Math.max(replicas, Math.min(wanted, readyReplicas + mostStarting(policy, serving)))
}

/** Rounded up, as Kubernetes rounds it, and one at least. */
function mostStarting({ maxSurge }: RolloutPolicy, serving: number): number {
  const pods = typeof maxSurge === 'number' ? maxSurge : Math.ceil((Number.parseInt(maxSurge, 10) / 100) * serving)
  return Math.max(1, pods)
}
