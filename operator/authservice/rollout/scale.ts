import type { ApplyFailure } from '../apply/apply.ts'
import type { Manifest } from '../apply/plan.ts'
import type { Cluster } from '../cluster.ts'
import { findChild, type Snapshot } from '../snapshot.ts'
import { colors, type RolloutDecision } from './world.ts'

/** A count that was written. */
export interface Scaled {
  deployment: string
  from: number
  to: number
}

/** Deployments whose count differs from what was decided. A new one has the API server's default of one pod. */
export function planScale(snapshot: Snapshot, { counts }: RolloutDecision): Scaled[] {
  const { name } = snapshot.authService.metadata
  return colors.flatMap((color) => {
    const to = counts[color]
    if (to === undefined) return []
    const deployment = `${name}-${color}`
    const live = findChild<Manifest & { spec?: { replicas?: number } }>(snapshot, 'Deployment', deployment)
    const from = live?.spec?.replicas ?? 1
    return from === to ? [] : [{ deployment, from, to }]
  })
}

/** Writes the counts, through the scale subresource: applying a Deployment never touches its count. */
export async function scaleColors(
  { authService }: Snapshot,
  planned: readonly Scaled[],
  cluster: Cluster,
): Promise<ApplyFailure[]> {
  const { namespace } = authService.metadata
  const results = await Promise.all(
    planned.map(async ({ deployment, to }): Promise<ApplyFailure[]> => {
      try {
        await cluster.scale({ namespace, name: deployment }, to)
        return []
      } catch (error) {
        const child = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: deployment, namespace } }
        return [{ child, error }]
      }
    }),
  )
  return results.flat()
}
