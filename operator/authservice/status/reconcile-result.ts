import { postponedRestartFindings } from '../apply/restarts.ts'
import type { WantedChildren, WrittenChildren } from '../apply/write-children.ts'
import type { ActionTaken } from '../model/actions.ts'
import type { Finding } from '../model/finding.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Placement } from '../resources/render-input.ts'
import type { RolloutDecision } from '../rollout/decide/decision.ts'
import type { SecretsDecision } from '../secrets/decision.ts'
import { classifyFailures, type KeptFinding, keptFieldFindings } from '../validate/apply-failures.ts'
import type { DatabaseCheck } from '../validate/database-report.ts'

/** All decisions of a reconcile, before anything is written. */
export interface Decisions extends WantedChildren {
  secrets: SecretsDecision
  /** Problems of the spec and the cluster. */
  findings: readonly Finding[]
  rollout: RolloutDecision
  placement: Placement
  /** Server image of the spec. */
  image: string
  /** Findings of the migration about the databases; undefined: none. */
  databases: DatabaseCheck | undefined
  /** Actions that count as taken once everything is written. */
  actionsTaken: readonly ActionTaken[]
}

/**
 * Everything that one reconcile saw, decided and wrote: the source of the events, the status and the next reconcile.
 */
export interface ReconcileResult extends Decisions {
  snapshot: Snapshot
  written: WrittenChildren
  /** The findings about fields that an admission policy keeps; `findings` includes them. */
  keptFindings: readonly KeptFinding[]
  /** Why the reconcile could not complete and will be repeated. */
  failure: { message: string; error: unknown } | undefined
  /** Whether everything was written. Otherwise, the next reconcile takes the same actions again. */
  isRecorded: boolean
}

/** Adds the results of the writes to the decisions. */
export function resultOf(snapshot: Snapshot, decisions: Decisions, written: WrittenChildren): ReconcileResult {
  const { findings: refusals, transient } = classifyFailures(written.failures)
  const keptFindings = keptFieldFindings(written.kept)
  const postponed = postponedRestartFindings(written.postponed)
  const isRecorded = !snapshot.resolved.suspend && written.failures.length === 0
  return {
    ...decisions,
    snapshot,
    written,
    findings: [...decisions.findings, ...refusals, ...keptFindings, ...postponed],
    keptFindings,
    failure: transient,
    isRecorded,
    actionsTaken: isRecorded ? decisions.actionsTaken : [],
  }
}
