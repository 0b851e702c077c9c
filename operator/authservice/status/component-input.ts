import type { ConditionType, ConditionUpdate } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import { type Health, type Workload, workloadHealth } from '../model/health.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, podsOf, type Snapshot } from '../model/snapshot.ts'
import type { RolloutDecision } from '../rollout/decide/decision.ts'
import type { DatabaseCheck } from '../validate/database-report.ts'

/** Input of the conditions of the components. */
export interface ComponentInput {
  snapshot: Snapshot
  findings: readonly Finding[]
  rollout: RolloutDecision
  /** Findings of the migration about the databases; undefined: none. */
  databases: DatabaseCheck | undefined
  now: Date
  /** Children that this reconcile wrote: the cache does not contain them yet. */
  written: readonly Manifest[]
  /** The operator's own Secrets that do not exist yet. */
  missingSecrets: readonly string[]
}

/** Health of a Deployment or StatefulSet of one component. */
export function componentHealth(
  { snapshot, written }: ComponentInput,
  { kind, name, component }: { kind: 'Deployment' | 'StatefulSet'; name: string; component: string },
  enough?: number,
): Health {
  if (isWritten(written, kind, name)) {
    return { state: 'waiting', message: `waiting for the controller of ${name} to observe it` }
  }
  return workloadHealth(findChild<Workload & Manifest>(snapshot, kind, name), name, podsOf(snapshot, component), enough)
}

export function isWritten(written: readonly Manifest[], kind: string, name: string): boolean {
  return written.some((child) => child.kind === kind && child.metadata.name === name)
}

/** The condition for a health. */
export function conditionOf(type: ConditionType, health: Health): ConditionUpdate {
  const { message } = health
  switch (health.state) {
    case 'ready':
      return { type, status: 'True', reason: 'Available', message }
    case 'waiting':
      return { type, status: 'False', reason: health.isRefused ? 'PodsRefused' : 'Waiting', message }
    case 'failed':
      return { type, status: 'False', reason: 'Failed', message }
  }
}

/** Name of the Deployment that receives the traffic. */
export function liveDeployment({ snapshot, rollout }: Pick<ComponentInput, 'snapshot' | 'rollout'>): string {
  return `${snapshot.authService.metadata.name}-${rollout.activeColor}`
}
