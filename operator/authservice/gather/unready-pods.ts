import { componentLabel } from '../model/labels.ts'
import type { LabelledPod, ServerReports } from '../model/observed-objects.ts'

/** Maximum length of all problems of a pod, in characters. */
const longestText = 500

/**
 * The pods, with the problems that unready server pods report: no object in the cluster shows that a server is waiting
 * for its database or for its indexes.
 */
export function withProblems(pods: readonly LabelledPod[], reports: ServerReports): LabelledPod[] {
  return pods.map((pod) => {
    const problems = isUnreadyServer(pod) ? (reports.get(pod.metadata.name)?.problems ?? []) : []
    return problems.length === 0 ? pod : { ...pod, reported: problems.join('; ').slice(0, longestText) }
  })
}

/** Whether the pod is a server that runs and is not ready. */
export function isUnreadyServer({ metadata, status }: LabelledPod): boolean {
  if (metadata.labels?.[componentLabel] !== 'server') return false
  if (metadata.deletionTimestamp !== undefined || status?.phase !== 'Running') return false
  return status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'False') === true
}
