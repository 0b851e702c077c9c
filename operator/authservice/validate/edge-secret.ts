import type { Deployment } from '../model/deployment.ts'
import type { Finding } from '../model/finding.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { edgeName } from '../resources/edge/edge.ts'
import { oldPods } from '../resources/edge/edge-secret.ts'

/**
 * An edge whose old pods continue to serve because new ones are rejected: nothing is down, but the update cannot
 * complete by itself.
 */
export function findEdgeLeftBehind(snapshot: Pick<Snapshot, 'authService' | 'children'>): Finding[] {
  const name = edgeName({ owner: snapshot.authService.metadata })
  const edge = findChild<Deployment>(snapshot, 'Deployment', name)
  const refusal = edge?.status?.conditions?.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  const left = edge === undefined ? undefined : oldPods(edge)
  if (refusal === undefined || left === undefined || left === 0) return []
  const words = refusal.message ?? refusal.reason ?? 'no reason given'
  const message = `${left} pods of ${name} are not updated and continue to serve, because the API server refuses new ones: ${words}`
  return [{ kind: 'warning', condition: 'IngressReady', reason: 'PodsRefused', message }]
}
