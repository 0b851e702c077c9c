import type { ActionTaken, RequestedActions } from '../../model/actions.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { MigrationHalf } from '../../resources/jobs/migration.ts'
import type { Placement } from '../../resources/render-input.ts'
import { databasesUnavailableToAll, watchTraffic } from '../analysis/watch.ts'
import { decideRollout } from '../decide/decide.ts'
import type { RolloutDecision } from '../decide/decision.ts'
import type { RolloutActions } from '../decide/observation.ts'
import { parseRolloutStatus } from '../rollout-status.ts'
import type { RolloutSlots } from '../slots.ts'
import { observeMigration } from './migrations.ts'
import { observeRollout } from './observe.ts'
import { placeRevisions } from './placement.ts'
import { isRepair } from './repair.ts'
import { findRevision, type RevisionsInUse, type StoredRevision, storedRevisions } from './revisions.ts'
import { rollbackRefusal } from './rollback-refusal.ts'
import { observeSmokeTest } from './smoke-test.ts'

/** The input of a rollout plan, in addition to the snapshot. */
export interface RolloutPlanInput {
  /** The revision that the server should run. */
  wanted: RevisionsInUse['wanted']
  requested: RequestedActions
  /** Whether the server stays unchanged until the user acts. */
  isBlocked?: boolean
  /** Limits the rollouts of all AuthServices; undefined: no limit. */
  slots?: RolloutSlots | undefined
}

/** The result of a reconcile for the rollout. */
export interface RolloutPlan {
  rollout: RolloutDecision
  placement: Placement
  /** Actions by annotation that count as taken once all of this is written. */
  actionsTaken: ActionTaken[]
}

/** Decides from a snapshot which revisions the two colours run. Pure, except that it may acquire a rollout slot. */
export function planRollout(
  snapshot: Snapshot,
  { wanted, requested, isBlocked = false, slots }: RolloutPlanInput,
  now: Date,
): RolloutPlan {
  const { authService, children } = snapshot
  const stored = storedRevisions(children, authService.metadata.name, authService.status?.revisions)
  const asked = rolloutActionsOf(requested, stored, wanted.revision)
  const refusal = refusalOf(snapshot, requested, asked.rollbackTo, { stored, wanted: wanted.revision })
  const actions = refusal === undefined ? asked : { ...asked, rollbackTo: undefined }
  const record = parseRolloutStatus(authService.status)
  const inProgress = record.revision ?? wanted.revision
  const template = inProgress === wanted.revision ? wanted.template : stored.get(inProgress)?.data.template
  const stable = stored.get(record.currentRevision ?? '')?.data.template
  const needsNoSlot = () => isRepair(snapshot, record, { wanted: wanted.template, stable })
  const observe = (half: MigrationHalf) =>
    template && observeMigration(snapshot, half, { revision: inProgress, template, record })
  const observed = observeRollout(snapshot, {
    specRevision: wanted.revision,
    knownRevisions: new Set(stored.keys()),
    actions,
    migration: observe('expand'),
    contraction: observe('contract'),
    smokeTest: observeSmokeTest(snapshot, record),
    analysis: watchTraffic(snapshot),
    unavailableDatabases: databasesUnavailableToAll(snapshot, inProgress),
    acquireSlot: slots && (() => (needsNoSlot() ? undefined : slots.acquire(authService, now))),
  })
  const rollout = decideRollout(observed, record, now)
  return {
    rollout,
    placement: placeRevisions(rollout, { wanted, stored, observed, snapshot }),
    actionsTaken: [
      ...(isBlocked ? [] : restartTaken(requested)),
      ...(refusal === undefined ? [] : [refusal]),
      ...rollout.actionsTaken.flatMap((action) => actionTaken(action, requested, actions, rollout)),
    ],
  }
}

/** A restart is another template of the desired revision, so it counts as taken once that is written. */
function restartTaken(requested: RequestedActions): ActionTaken[] {
  const value = requested.get('restart')
  if (value === undefined) return []
  return [{ name: 'restart', value, message: 'The server pods are replaced as in an update.' }]
}

/** The result of a rollback that is refused. The revision of the spec is what the user wants in any case. */
function refusalOf(
  snapshot: Snapshot,
  requested: RequestedActions,
  revision: string | undefined,
  { stored, wanted }: { stored: ReadonlyMap<string, StoredRevision>; wanted: string },
): ActionTaken | undefined {
  const value = requested.get('rollback-to')
  if (value === undefined || revision === undefined || revision === wanted) return undefined
  const rollback = { named: nameIn(value), revision, template: stored.get(revision)?.data.template }
  const message = rollbackRefusal(snapshot, rollback, (name) => findRevision(stored, nameIn(name)) === revision)
  return message === undefined ? undefined : { name: 'rollback-to', value, message }
}

/** The revision that a value names. Text after an `@` only distinguishes a request from the previous one. */
function nameIn(value: string): string {
  return value.split('@')[0] ?? value
}

const annotations = { promote: 'promote', abort: 'abort', rollbackTo: 'rollback-to' } as const

/**
 * The actions with the hash of the revision that they name: `3@2026-11-24T12:00:00Z` names revision 3. An unknown name
 * stays unchanged.
 */
function rolloutActionsOf(
  requested: RequestedActions,
  stored: ReadonlyMap<string, StoredRevision>,
  wanted: string,
): RolloutActions {
  const revisionOf = (value: string | undefined) => {
    const name = value && nameIn(value)
    return name === undefined || name === wanted ? name : (findRevision(stored, name) ?? name)
  }
  return {
    promote: revisionOf(requested.get('promote')),
    abort: revisionOf(requested.get('abort')),
    rollbackTo: revisionOf(requested.get('rollback-to')),
  }
}

/** The result of an action, for status. */
function actionTaken(
  action: keyof RolloutActions,
  requested: RequestedActions,
  actions: RolloutActions,
  { record, revision }: RolloutDecision,
): ActionTaken[] {
  const name = annotations[action]
  const value = requested.get(name)
  if (value === undefined) return []
  const target = actions[action]
  const happened = {
    promote: record.phase === 'Promoting' && record.revision === target,
    abort: record.lastOutcome === 'Aborted' && revision !== target,
    rollbackTo: revision === target,
  }[action]
  const message = happened
    ? {
        promote: 'Traffic moves to the revision.',
        abort: 'The revision is rolled back.',
        rollbackTo: 'The revision returns.',
      }[action]
    : `Nothing to ${name}: see status.rollout and status.revisions for existing revisions.`
  return [{ name, value, message }]
}
