import { recordActions, type TakenAction } from './actions.ts'
import type { AuthServiceStatus, ChecklistItem, SecretStatus } from './api/schema.ts'
import type { Manifest } from './apply/plan.ts'
import { type ConditionUpdate, mergeConditions, phaseOf, summarize, withNotes } from './conditions.ts'
import type { Finding } from './finding.ts'
import type { Workload } from './health.ts'
import { selectorOf } from './resources/metadata.ts'
import type { RolloutDecision } from './rollout/decide.ts'
import { findChild, type Snapshot } from './snapshot.ts'

/** What a visit found and decided. */
export interface Visit {
  snapshot: Snapshot
  rollout: RolloutDecision
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
  const { snapshot, rollout, components, findings, failure } = visit
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
    currentRevision: rollout.revision,
    replicas: active?.status?.replicas ?? 0,
    readyReplicas: active?.status?.readyReplicas ?? 0,
    selector: Object.entries(selectorOf(name, 'server', rollout.activeColor))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    conditions,
    rollout: { phase: rollout.phase, revision: rollout.revision, message: rollout.message },
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

/** The tag of an image, or its digest where it has none. */
function versionOf(image: string): string {
  const [reference = '', digest] = image.split('@')
  const tag = /:([^/:]+)$/.exec(reference)?.[1]
  return tag ?? digest ?? 'latest'
}

/** Where clients reach the server: the edge where there is one, else the Service inside the cluster. */
function endpointOf({ authService, resolved: { ingress } }: Snapshot): string {
  const { name, namespace } = authService.metadata
  return ingress.type === 'None' ? `http://${name}.${namespace}.svc` : `https://${ingress.host}`
}
