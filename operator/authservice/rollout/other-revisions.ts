import type { Manifest } from '../apply/plan.ts'
import { revisionLabel } from '../resources/metadata.ts'
import type { Snapshot } from '../snapshot.ts'
import { colors } from './world.ts'

/** The part of apps/v1 Deployment that tells which revision its pods run. */
type Deployment = Manifest & {
  metadata: { generation?: number }
  spec?: { replicas?: number; template?: { metadata?: TemplateMetadata } }
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number }
}

/** What tells the templates of server pods apart. */
interface TemplateMetadata {
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** Whether there may be server pods, of either colour, of another revision than this one. */
export function runsOtherRevision(snapshot: Servers, revision: string): boolean {
  return runsOther(snapshot, ({ labels }) => labels?.[revisionLabel] === revision)
}

type Servers = Pick<Snapshot, 'authService' | 'children'>

/** Whether there may be server pods, of either colour, of a template that is not wanted. */
export function runsOther(
  { authService, children }: Servers,
  isWanted: (template: TemplateMetadata) => boolean,
): boolean {
  const names = colors.map((color) => `${authService.metadata.name}-${color}`)
  return children
    .filter(({ kind, metadata }) => kind === 'Deployment' && names.includes(metadata.name))
    .some((server) => {
      // Kind Deployment has this shape by the Kubernetes API.
      const { metadata, spec = {}, status = {} } = server as Deployment
      const pods = status.replicas ?? 0
      const isTakenUp = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
      if (!isTakenUp || pods > (status.updatedReplicas ?? 0)) return true
      return !isWanted(spec.template?.metadata ?? {}) && ((spec.replicas ?? 1) > 0 || pods > 0)
    })
}
