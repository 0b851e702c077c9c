import type { AuthServiceStatus, ChecklistItem, SecretStatus } from '../api/schema.ts'
import { versionOf } from '../api/server-image.ts'
import type { FinishedJob } from '../api/status.ts'
import { type ActionTaken, recordActions } from '../model/actions.ts'
import type { ConditionUpdate } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import type { Workload } from '../model/health.ts'
import { colorLabel, revisionLabel, selectorOf } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'
import type { KeptRevision } from '../model/revision.ts'
import { findChild, podsOf, type Snapshot } from '../model/snapshot.ts'
import type { RolloutDecision } from '../rollout/decide/decision.ts'
import { revisionStatuses } from '../rollout/observe/outcomes.ts'
import { rolloutStatusOf } from '../rollout/rollout-status.ts'
import { mergeConditions, phaseOf, summarize, withWarnings } from './conditions.ts'

/** Observations and decisions of a reconcile. */
export interface StatusInput {
  snapshot: Snapshot
  rollout: RolloutDecision
  /** Kept revisions. */
  revisions: readonly KeptRevision[]
  /** Completed migrations whose Jobs have a time-to-live. */
  finishedJobs: readonly FinishedJob[]
  components: readonly ConditionUpdate[]
  production: ConditionUpdate
  findings: readonly Finding[]
  checklist: ChecklistItem[]
  secrets: SecretStatus[]
  /** Actions that this reconcile has taken. */
  actionsTaken: readonly ActionTaken[]
  /** Server image of the spec. */
  image: string
  /** Why the reconcile could not complete and will be repeated. */
  failure: string | undefined
}

/** The status after a reconcile. An unchanged AuthService has an unchanged status, including times. */
export function composeStatus(input: StatusInput, now: Date): AuthServiceStatus {
  const { snapshot, rollout, revisions, components, findings, failure } = input
  const { authService, resolved } = snapshot
  const { name, generation } = authService.metadata
  const previous = authService.status?.conditions ?? []
  const summary = summarize({
    components,
    findings,
    suspended: resolved.suspend,
    ...(failure === undefined ? {} : { failure }),
  })
  const updates = [...summary, ...components, input.production].map((update) => withWarnings(update, findings))
  const conditions = mergeConditions(previous, updates, { generation, now })
  const active = findChild<Workload & Manifest>(snapshot, 'Deployment', `${name}-${rollout.activeColor}`)

  return {
    observedGeneration: generation,
    phase: phaseOf(conditions),
    version: versionsOf(input),
    endpoint: endpointOf(snapshot),
    activeColor: rollout.activeColor,
    ...(rollout.record.currentRevision && { currentRevision: rollout.record.currentRevision }),
    replicas: active?.status?.replicas ?? 0,
    readyReplicas: active?.status?.readyReplicas ?? 0,
    selector: Object.entries(selectorOf(name, 'server', rollout.activeColor))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    conditions,
    rollout: rolloutStatusOf(rollout),
    revisions: revisionStatuses(revisions, authService.status, rollout.record, now),
    ...(input.finishedJobs.length > 0 && { finishedJobs: [...input.finishedJobs] }),
    secrets: input.secrets,
    checklist: input.checklist,
    ...actionsOf(input, now),
  }
}

/** Omitted until the first action is taken. */
function actionsOf({ snapshot, actionsTaken }: StatusInput, now: Date): Pick<AuthServiceStatus, 'actions'> {
  const { metadata, status } = snapshot.authService
  const actions = recordActions(status?.actions ?? [], actionsTaken, { annotations: metadata.annotations, now })
  return actions.length === 0 ? {} : { actions }
}

/** The serving version, with that of the spec if they differ. */
function versionsOf({ snapshot, revisions, rollout, image }: StatusInput): string {
  const versions = new Map(revisions.map((one) => [one.revision, versionOf(one.image)]))
  const serving = podsOf(snapshot, 'server').filter(
    (pod) => pod.metadata.labels?.[colorLabel] === rollout.activeColor && isReady(pod),
  )
  const running = serving.map(({ metadata }) => metadata.labels?.[revisionLabel] ?? '')
  const seen = running.flatMap((revision) => versions.get(revision) ?? [])
  const asked = versionOf(image)
  const known = seen.length > 0 ? seen : [versions.get(rollout.record.currentRevision ?? '') ?? asked]
  const served = [...new Set(known)].sort()
  return served.join() === asked ? asked : `${served.join(' and ')} (spec: ${asked})`
}

function isReady({ metadata, status }: Snapshot['pods'][number]): boolean {
  const holds = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
  return holds && metadata.deletionTimestamp === undefined
}

/**
 * The URL of the server: that of the edge if there is one, otherwise that of the Service inside the cluster. The port
 * may differ from 443: the URL of the issuer contains the port that clients use, or otherwise the node port is known.
 */
function endpointOf(snapshot: Snapshot): string {
  const { authService, resolved } = snapshot
  const { ingress, tokens } = resolved
  const { name, namespace } = authService.metadata
  if (ingress.type === 'None') return `http://${name}.${namespace}.svc`
  const issuer = URL.parse(tokens.issuer)
  if (issuer?.hostname === ingress.host && issuer.port !== '') return `https://${issuer.host}`
  const port = nodePortOf(snapshot)
  return `https://${ingress.host}${port === undefined ? '' : `:${port}`}`
}

/** The node port of the edge; undefined if a load balancer is in front of the nodes. */
function nodePortOf(snapshot: Snapshot): number | undefined {
  const { ingress } = snapshot.resolved
  if (ingress.type !== 'Nginx' || ingress.nginx.serviceType !== 'NodePort') return undefined
  type Service = Manifest & { spec?: { ports?: { name?: string; nodePort?: number }[] } }
  const service = findChild<Service>(snapshot, 'Service', `${snapshot.authService.metadata.name}-edge`)
  return service?.spec?.ports?.find(({ name }) => name === 'https')?.nodePort
}
