import { clientsAnnotation } from '../model/labels.ts'
import type { LabelledPod } from '../model/observed-objects.ts'
import { podsOf, type Snapshot } from '../model/snapshot.ts'
import type { ClusterWriter } from './cluster-writer.ts'

type Observed = Pick<Snapshot, 'pods' | 'serverReports' | 'clientsRevision'>

/**
 * Annotates the server pods that have an earlier file of OpenID clients than the Secret. The kubelet then updates their
 * volumes at once, and otherwise after up to 90 seconds. The annotation is one of the pod and not of its template, so no
 * pod is replaced.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#mounted-configmaps-are-updated-automatically
 */
export async function refreshVolumes(
  snapshot: Observed & Pick<Snapshot, 'authService'>,
  writer: Pick<ClusterWriter, 'annotatePod'>,
): Promise<void> {
  const { clientsRevision, authService } = snapshot
  if (clientsRevision === undefined) return
  const annotations = { [clientsAnnotation]: clientsRevision }
  const { namespace } = authService.metadata
  const pods = podsToRefresh(snapshot)
  await Promise.all(pods.map(({ metadata: { name } }) => writer.annotatePod({ namespace, name }, annotations)))
}

/** Each pod is annotated once for each file: afterwards, the kubelet has what it needs. */
export function podsToRefresh({ pods, serverReports, clientsRevision }: Observed): LabelledPod[] {
  return podsOf({ pods }, 'server').filter(({ metadata }) => {
    const report = serverReports.get(metadata.name)
    return (
      metadata.deletionTimestamp === undefined &&
      report !== undefined &&
      report.oidcClients !== null &&
      report.oidcClients !== clientsRevision &&
      metadata.annotations?.[clientsAnnotation] !== clientsRevision
    )
  })
}
