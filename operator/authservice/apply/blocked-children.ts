import type { BlockedPart } from '../model/finding.ts'
import { componentLabel } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'
import type { ApplyPlan, PlannedApply } from './plan.ts'

/**
 * Removes the children of blocked components from a plan: they are not changed, deleted or created for the first time.
 * The operator still reverts edits of such a child, and recreates one that was deleted while others of its component
 * exist.
 *
 * @param hasRevision whether the server has a revision that it can stay at
 */
export function withoutBlocked<T extends Manifest>(
  plan: ApplyPlan<T>,
  blocked: ReadonlySet<BlockedPart>,
  { live, hasRevision }: { live: readonly Manifest[]; hasRevision: boolean },
): ApplyPlan<T> {
  const partOf = (child: Manifest) => {
    const part = partOfChild(child, hasRevision)
    return part !== undefined && blocked.has(part) ? part : undefined
  }
  const isWritten = ({ manifest, reason }: PlannedApply) => {
    const part = partOf(manifest)
    if (part === undefined) return true
    switch (reason) {
      case 'drifted':
        return true
      case 'changed':
        return false
      case 'missing':
        return repairedKinds.has(manifest.kind) && live.some((other) => partOf(other) === part)
    }
  }
  return {
    ...plan,
    apply: plan.apply.filter(isWritten),
    prune: plan.prune.filter((child) => partOf(child) === undefined),
  }
}

/** Kinds that every cluster has and that each component includes, whatever the spec. */
const repairedKinds = new Set(['Deployment', 'ConfigMap', 'Service', 'NetworkPolicy', 'PodDisruptionBudget'])
const revisionKinds = new Set(['Deployment', 'ControllerRevision', 'Job', 'HorizontalPodAutoscaler'])

function partOfChild({ kind, metadata }: Manifest, hasRevision: boolean): BlockedPart | undefined {
  switch (metadata.labels?.[componentLabel]) {
    case 'edge':
      return 'exposure'
    case 'backup':
      return 'server'
    case 'server':
    case 'migration':
    case 'smoke-test':
      return kind === 'NetworkPolicy' || (!hasRevision && revisionKinds.has(kind)) ? 'server' : undefined
    default:
      return undefined
  }
}
