import type { Deployment } from '../../model/deployment.ts'
import { componentLabel } from '../../model/labels.ts'
import type { Manifest } from '../../model/manifest.ts'
import type { DesiredSecret } from '../../model/secret-data.ts'
import { findChild, type Snapshot } from '../../model/snapshot.ts'
import { proxySecretVolume } from '../server/secret-mounts.ts'
import { edgeName, edgeSecretAnnotation, edgeSecretHash } from './edge.ts'

/**
 * Whether servers may require the secret of the edge: a server that requires it treats all clients of an edge pod
 * without the secret as one address. The edge is therefore updated first, even if a quota or a blocked certificate
 * delays it, and the servers follow. Servers that require the secret continue to do so, because every later edge sends
 * it.
 *
 * @param secrets the desired ones, which the edge must send
 */
export function isEdgeSecretShown(
  snapshot: Pick<Snapshot, 'authService' | 'children'>,
  secrets: readonly DesiredSecret[],
): boolean {
  const { metadata } = snapshot.authService
  const edge = findChild<Deployment>(snapshot, 'Deployment', edgeName({ owner: metadata }))
  // The first pods of an edge send it from the start.
  if (edge === undefined || snapshot.children.some(asksForSecret)) return true
  const annotation = edge.spec?.template?.metadata?.annotations?.[edgeSecretAnnotation]
  if (annotation !== edgeSecretHash({ owner: metadata, secrets })) return false
  const { replicas = 0 } = edge.status ?? {}
  return replicas === 0 || oldPods(edge) === 0
}

/** Pods of earlier templates; undefined: the Deployment controller has not observed the latest template yet. */
export function oldPods({ metadata, status }: Deployment): number | undefined {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status ?? {}
  return observedGeneration < (metadata.generation ?? 0) ? undefined : replicas - updatedReplicas
}

/** Whether running servers require it. */
function asksForSecret(child: Manifest): boolean {
  if (child.kind !== 'Deployment' || child.metadata.labels?.[componentLabel] !== 'server') return false
  // A kind has one shape.
  const { spec } = child as Deployment
  return (
    (spec?.replicas ?? 1) > 0 && spec?.template?.spec?.volumes?.some(({ name }) => name === proxySecretVolume) === true
  )
}
