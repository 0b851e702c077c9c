import { colors } from './colors.ts'
import type { Deployment } from './deployment.ts'
import { revisionLabel } from './labels.ts'
import type { Snapshot } from './snapshot.ts'

/** Distinguishes the templates of server pods. */
interface TemplateMetadata {
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** Whether there may be server pods, of either colour, of a revision other than this one. */
export function runsOtherRevision(snapshot: Servers, revision: string): boolean {
  return runsOther(snapshot, ({ labels }) => labels?.[revisionLabel] === revision)
}

type Servers = Pick<Snapshot, 'authService' | 'children'>

/** Whether there may be server pods, of either colour, of a template that is not desired. */
export function runsOther(
  { authService, children }: Servers,
  isWanted: (template: TemplateMetadata) => boolean,
): boolean {
  const names = colors.map((color) => `${authService.metadata.name}-${color}`)
  return children
    .filter(({ kind, metadata }) => kind === 'Deployment' && names.includes(metadata.name))
    .some((server) => {
      // The Kubernetes API defines this shape for the kind Deployment.
      const { metadata, spec = {}, status = {} } = server as Deployment
      const pods = status.replicas ?? 0
      const isTakenUp = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
      if (!isTakenUp || pods > (status.updatedReplicas ?? 0)) return true
      return !isWanted(spec.template?.metadata ?? {}) && ((spec.replicas ?? 1) > 0 || pods > 0)
    })
}
