import type { Color } from '../../model/colors.ts'
import { databaseMessage, describeColor } from './describe.ts'
import type { RolloutObservation } from './observation.ts'
import { isOutage, isRetestAwaited, isTestExcused } from './outage.ts'
import { isInProgress, type RolloutOutcome, type RolloutPhase } from './phases.ts'
import type { RolloutRecord } from './record.ts'

/**
 * Phases in which the deadline counts. Waiting for a user, or for a fixed time, does not count against the revision.
 */
export const hasDeadline: ReadonlySet<string> = new Set<RolloutPhase>(['Preparing', 'Testing', 'Promoting'])

/** The revision that the rollout moves toward, and the updated record. */
export interface Target {
  /** Revision that is live at the end. */
  revision: string
  /** The last good revision. */
  stable: string
  /** A user requested this revision by name. It was good before, so it is neither tested nor analysed. */
  isRollback: boolean
  record: RolloutRecord
}

/** Applies failures, actions and changes of the spec, in this order, and chooses the target revision. */
export function chooseTarget(observed: RolloutObservation, record: RolloutRecord, live: Color, now: Date): Target {
  const stable = stableRevision(observed, record, live)
  const withFault = applyFault(observed, record, stable, now)
  const pinned = applyRollbackAction(observed, withFault)
  const wanted = pinned.pin?.revision ?? observed.specRevision
  const holds = wanted === pinned.failedRevision && wanted !== stable
  const remembered = holds ? pinned : { ...pinned, failedRevision: undefined, failure: undefined }
  const revision = wanted === remembered.failedRevision ? stable : wanted
  return {
    revision,
    stable,
    isRollback: remembered.pin?.revision === revision,
    record: supersede(remembered, revision),
  }
}

/**
 * The last good revision; before there is one, the revision that the live colour serves with. If no revision has ever
 * served, there is nothing to roll back to, and this is the revision of the spec.
 */
function stableRevision(observed: RolloutObservation, record: RolloutRecord, live: Color): string {
  const { revision: serving, availableReplicas = 0 } = observed.colors[live] ?? {}
  const candidates = [record.currentRevision, availableReplicas > 0 ? serving : undefined]
  return candidates.find((revision) => revision !== undefined && canRun(observed, revision)) ?? observed.specRevision
}

/** Whether the pod template of the revision is known. */
export function canRun({ specRevision, knownRevisions }: RolloutObservation, revision: string): boolean {
  return revision === specRevision || knownRevisions.has(revision)
}

/** Whether a Deployment already requires pods of the revision. */
export function isStarted({ colors }: RolloutObservation, revision: string): boolean {
  return Object.values(colors).some((color) => color.revision === revision && color.replicas > 0)
}

function applyFault(observed: RolloutObservation, record: RolloutRecord, stable: string, now: Date): RolloutRecord {
  const { revision, phase } = record
  if (revision === undefined || revision === stable || !isInProgress(phase)) return record
  const fault = faultOf(observed, { ...record, revision }, now)
  if (fault === undefined) return record
  if (fault.outcome === 'Aborted' && record.pin?.revision === revision) return dropRollback(observed, record, stable)
  return { ...record, lastOutcome: fault.outcome, failedRevision: revision, failure: fault.message }
}

/** Aborts a rollback: nothing failed, and the stable revision keeps the traffic, whatever the spec says. */
function dropRollback({ specRevision }: RolloutObservation, record: RolloutRecord, stable: string): RolloutRecord {
  const pin = specRevision === stable ? undefined : { revision: stable, insteadOf: specRevision }
  // The return to the stable revision is not a rollout, so it is not checked for failures.
  return { ...record, phase: 'RollingBack', lastOutcome: 'Aborted', failedRevision: undefined, failure: undefined, pin }
}

interface Fault {
  outcome: RolloutOutcome
  message: string
}

/** Why the revision in progress has failed; undefined: it has not. */
function faultOf(
  observed: RolloutObservation,
  record: RolloutRecord & { revision: string },
  now: Date,
): Fault | undefined {
  const { policy, actions, migration, smokeTest, analysis } = observed
  const { revision, phase, deadline, targetColor } = record
  if (actions.abort === revision) return { outcome: 'Aborted', message: 'it was aborted by annotation' }
  if (migration?.revision === revision && migration.state === 'failed' && !isStarted(observed, revision)) {
    return { outcome: 'RolledBack', message: `its migration failed: ${migration.message}` }
  }
  const hasFailedTest = phase === 'Testing' && smokeTest?.revision === revision && smokeTest.state === 'failed'
  if (hasFailedTest && !isTestExcused(observed, record)) {
    const times = record.retest?.count ? `${record.retest.count + 1} times, most recently with: ` : ''
    return { outcome: 'RolledBack', message: `the smoke test failed: ${times}${smokeTest.message}` }
  }
  // Pods of a colour without traffic affect no client. A revision with traffic is rolled back only on request.
  const isRolling = targetColor === undefined
  const hasTraffic = isRolling || phase === 'Promoting' || phase === 'Verifying'
  if (hasTraffic && !policy.autoRollback && isStarted(observed, revision)) return undefined
  const isWatched = isRolling || phase === 'Verifying'
  if (isWatched && analysis?.revision === revision && analysis.verdict === 'fail') {
    return { outcome: 'RolledBack', message: `it failed the analysis of live traffic: ${analysis.message}` }
  }
  const isLate = hasDeadline.has(phase) && deadline !== undefined && now > deadline
  if (isLate && !isOutage(observed, revision) && !isRetestAwaited(record)) {
    const message = `it was not ready within ${policy.progressDeadlineSeconds} s (${phase}): ${waitedFor(observed, record)}`
    return { outcome: 'DeadlineExceeded', message }
  }
  return undefined
}

/** What a revision was waiting for when it missed its deadline. */
function waitedFor(observed: RolloutObservation, { revision, phase, targetColor }: RolloutRecord): string {
  const { migration, smokeTest, colors, serviceColor } = observed
  if (phase === 'Testing') return smokeTest?.message ?? 'the smoke test did not start'
  if (phase === 'Promoting') return 'the endpoints of the Service did not change'
  if (revision !== undefined && !isStarted(observed, revision)) return databaseMessage(migration)
  const color = targetColor ?? serviceColor
  return color === undefined ? 'there was no pod' : describeColor(color, colors[color], colors[color]?.replicas ?? 0)
}

/** Applies a requested rollback. It applies until the spec results in another revision. */
function applyRollbackAction(observed: RolloutObservation, record: RolloutRecord): RolloutRecord {
  const { actions, specRevision } = observed
  const requested = actions.rollbackTo
  if (requested !== undefined && canRun(observed, requested)) {
    // A failed revision is retried if a user requests it by name.
    const pin = requested === specRevision ? undefined : { revision: requested, insteadOf: specRevision }
    return { ...record, pin, failedRevision: undefined, failure: undefined }
  }
  const holds = record.pin?.insteadOf === specRevision && canRun(observed, record.pin.revision)
  return holds ? record : { ...record, pin: undefined }
}

/** Records that another revision replaces the one in progress. */
function supersede(record: RolloutRecord, target: string): RolloutRecord {
  const { phase, revision, failedRevision } = record
  const isReplaced = isInProgress(phase) && revision !== undefined && revision !== target && revision !== failedRevision
  return isReplaced ? { ...record, lastOutcome: 'Superseded' } : record
}
