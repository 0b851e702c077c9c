import { recordActions, type TakenAction } from './actions.ts'
import type { AuthServiceStatus, ChecklistItem, SecretStatus } from './api/schema.ts'
import { versionOf } from './api/server-image.ts'
import type { Manifest } from './apply/plan.ts'
import { type ConditionUpdate, mergeConditions, phaseOf, summarize, withNotes } from './conditions.ts'
import type { Finding } from './finding.ts'
import type { Workload } from './health.ts'
import { selectorOf } from './resources/metadata.ts'
import { writeMemory } from './rollout/memory.ts'
import type { KeptRevision } from './rollout/revisions.ts'
import type { RolloutDecision } from './rollout/world.ts'
import { findChild, type Snapshot } from './snapshot.ts'

/** What a visit found and decided. */
export interface Visit {
  snapshot: Snapshot
  rollout: RolloutDecision
  /** Revisions that are kept. */
  revisions: readonly KeptRevision[]
  components: readonly ConditionUpdate[]
  production: ConditionUpdate
  findings: readonly Finding[]
  checklist: ChecklistItem[]
  secrets: SecretStatus[]
  /** Actions that this visit has carried out. */
  taken: readonly TakenAction[]
  /** Image of the server that the spec asks for. */
  image: string
  /** Why the visit could not finish, and will be repeated. */
  failure: string | undefined
}

/** The status after a visit. An unchanged AuthService has an unchanged status, times included. */
export function composeStatus(visit: Visit, now: Date): AuthServiceStatus {
  const { snapshot, rollout, revisions, components, findings, failure } = visit
  const { authService, resolved } = snapshot
  const { name, generation } = authService.metadata
  const previous = authService.status?.conditions ?? []
  const summary = summarize({
    components,
    findings,
    suspended: resolved.suspend,
    ...(failure === undefined ? {} : { failure }),
  })
  const updates = [...summary, ...components, visit.production].map((update) => withNotes(update, findings))
  const conditions = mergeConditions(previous, updates, { generation, now })
  const active = findChild<Workload & Manifest>(snapshot, 'Deployment', `${name}-${rollout.activeColor}`)

  return {
    observedGeneration: generation,
    phase: phaseOf(conditions),
    version: versionOf(visit.image),
    endpoint: endpointOf(snapshot),
    activeColor: rollout.activeColor,
    ...(rollout.memory.currentRevision && { currentRevision: rollout.memory.currentRevision }),
    replicas: active?.status?.replicas ?? 0,
    readyReplicas: active?.status?.readyReplicas ?? 0,
    selector: Object.entries(selectorOf(name, 'server', rollout.activeColor))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    conditions,
    rollout: writeMemory(rollout),
    revisions: revisions.map(({ revision, number, image }) => ({ name: revision, number, image })),
    secrets: visit.secrets,
    checklist: visit.checklist,
    ...actionsOf(visit, now),
  }
}

/** Left out until the first action is taken. */
function actionsOf({ snapshot, taken }: Visit, now: Date): Pick<AuthServiceStatus, 'actions'> {
  const actions = recordActions(snapshot.authService.status?.actions ?? [], taken, now)
  return actions.length === 0 ? {} : { actions }
}

/** Where clients reach the server: the edge where there is one, else the Service inside the cluster. */
function endpointOf({ authService, resolved: { ingress } }: Snapshot): string {
  const { name, namespace } = authService.metadata
  return ingress.type === 'None' ? `http://${name}.${namespace}.svc` : `https://${ingress.host}`
}
