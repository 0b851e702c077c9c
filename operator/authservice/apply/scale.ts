import { RequestCanceledError } from '../../kube/errors.ts'
import { type Color, colors } from '../model/colors.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import type { ApplyFailure } from './apply.ts'
import type { ClusterWriter } from './cluster-writer.ts'

/** A replica count that must be written. */
export interface PlannedScale {
  deployment: string
  to: number
}

/**
 * Deployments whose count differs from the decided one. A new Deployment has the default of the API server, one pod.
 *
 * @param counts pods of each colour; a colour without an entry keeps its count
 */
export function planScale(
  snapshot: Pick<Snapshot, 'authService' | 'children'>,
  counts: Readonly<Partial<Record<Color, number>>>,
): PlannedScale[] {
  const { name } = snapshot.authService.metadata
  return colors.flatMap((color) => {
    const to = counts[color]
    if (to === undefined) return []
    const deployment = `${name}-${color}`
    const live = findChild<Manifest & { spec?: { replicas?: number } }>(snapshot, 'Deployment', deployment)
    return (live?.spec?.replicas ?? 1) === to ? [] : [{ deployment, to }]
  })
}

/** Writes the counts through the scale subresource: applying a Deployment never changes its count. */
export async function scaleDeployments(
  namespace: string,
  planned: readonly PlannedScale[],
  writer: Pick<ClusterWriter, 'scale'>,
): Promise<ApplyFailure[]> {
  const results = await Promise.all(
    planned.map(async ({ deployment, to }): Promise<ApplyFailure[]> => {
      try {
        await writer.scale({ namespace, name: deployment }, to)
        return []
      } catch (error) {
        if (error instanceof RequestCanceledError) throw error
        const child = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: deployment, namespace } }
        return [{ child, error }]
      }
    }),
  )
  return results.flat()
}
