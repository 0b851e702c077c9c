import type { Manifest } from '../apply/plan.ts'
import { colorLabel } from '../resources/metadata.ts'
import { findChild, type Snapshot } from '../snapshot.ts'
import type { Color, ObservedColor, RolloutSnapshot } from './decide.ts'

/** The part of apps/v1 Deployment that a rollout reads. */
type Deployment = Manifest & {
  spec?: { replicas?: number }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    availableReplicas?: number
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
  }
  metadata: { generation?: number }
}
type Service = Manifest & { spec?: { selector?: Record<string, string> } }

/**
 * Reads from a snapshot what a rollout is decided on.
 *
 * @param revision hash of the pod template that the spec asks for
 */
export function observeRollout(snapshot: Snapshot, revision: string): RolloutSnapshot {
  const { name } = snapshot.authService.metadata
  const blue = observeColor(findChild<Deployment>(snapshot, 'Deployment', `${name}-blue`))
  const green = observeColor(findChild<Deployment>(snapshot, 'Deployment', `${name}-green`))
  return {
    revision,
    scaling: snapshot.resolved.scaling,
    colors: { ...(blue && { blue }), ...(green && { green }) },
    serviceColor: colorOf(findChild<Service>(snapshot, 'Service', name)?.spec?.selector?.[colorLabel]),
    lastActiveColor: snapshot.authService.status?.activeColor,
  }
}

function observeColor(deployment: Deployment | undefined): ObservedColor | undefined {
  if (deployment === undefined) return undefined
  const { metadata, spec, status = {} } = deployment
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  return {
    replicas: spec?.replicas ?? 1,
    updatedReplicas: status.updatedReplicas ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
    totalReplicas: status.replicas ?? 0,
    current: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    deadlineExceeded:
      progressing?.reason === 'ProgressDeadlineExceeded'
        ? (progressing.message ?? 'the Deployment made no progress within its deadline')
        : undefined,
  }
}

/** Somebody may have edited the selector: only our own colours count. */
function colorOf(label: string | undefined): Color | undefined {
  return label === 'blue' || label === 'green' ? label : undefined
}
