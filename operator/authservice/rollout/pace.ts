import type { Color, RolloutPolicy, RolloutWorld } from './world.ts'

/**
 * The next count of a colour that is to have so many pods. A server computes for a second when it starts, and takes that
 * from the servers beside it; so as long as some serve, `maxSurge` pods start at a time. Where nobody serves there is
 * nobody to spare. Never less than there are already, unless less is wanted.
 */
export function paced(
  { colors, policy }: Pick<RolloutWorld, 'colors' | 'policy'>,
  color: Color,
  wanted: number,
): number {
  const { replicas = 0, readyReplicas = 0 } = colors[color] ?? {}
  const isServed = Object.values(colors).some((one) => one.readyReplicas > 0)
  if (!isServed || wanted <= replicas) return wanted
  return Math.max(replicas, Math.min(wanted, readyReplicas + mostStarting(policy, wanted)))
}

/** Rounded up, as Kubernetes rounds it, and one at least. */
function mostStarting({ maxSurge }: RolloutPolicy, wanted: number): number {
  const pods = typeof maxSurge === 'number' ? maxSurge : Math.ceil((Number.parseInt(maxSurge, 10) / 100) * wanted)
  return Math.max(1, pods)
}
