import type { RequestedActions, TakenAction } from '../actions.ts'
import type { MigrationHalf } from '../resources/migration.ts'
import type { Placement } from '../resources/render-input.ts'
import type { Snapshot } from '../snapshot.ts'
import { decideRollout } from './decide.ts'
import { readMemory } from './memory.ts'
import { observeMigration } from './migrations.ts'
import { observeRollout } from './observe.ts'
import { placeRevisions } from './placement.ts'
import { findRevision, type RevisionsInUse, type StoredRevision, storedRevisions } from './revisions.ts'
import { observeSmokeTest } from './smoke-test.ts'
import { watchTraffic } from './watch.ts'
import type { RolloutDecision, RolloutOrders } from './world.ts'

/** What a visit does about the rollout. */
export interface RolloutPlan {
  rollout: RolloutDecision
  placement: Placement
  /** Orders by annotation that are settled once all of this is written. */
  taken: TakenAction[]
}

/** From a snapshot to what the two colours are to be. Pure: nothing is read or written. */
export function planRollout(
  snapshot: Snapshot,
  wanted: RevisionsInUse['wanted'],
  asked: RequestedActions,
  now: Date,
): RolloutPlan {
  const { authService, children } = snapshot
  const stored = storedRevisions(children, authService.metadata.name, authService.status?.revisions)
  const orders = ordersOf(asked, stored, wanted.revision)
  const memory = readMemory(authService.status)
  const underWay = memory.revision ?? wanted.revision
  const template = underWay === wanted.revision ? wanted.template : stored.get(underWay)?.data.template
  const observe = (half: MigrationHalf) =>
    template && observeMigration(snapshot, half, { revision: underWay, template, memory })
  const world = observeRollout(snapshot, {
    specRevision: wanted.revision,
    knownRevisions: new Set(stored.keys()),
    orders,
    migration: observe('expand'),
    contraction: observe('contract'),
    smokeTest: observeSmokeTest(snapshot, memory),
    analysis: watchTraffic(snapshot),
  })
  const rollout = decideRollout(world, memory, now)
  return {
    rollout,
    placement: placeRevisions(rollout, { wanted, stored, world, snapshot }),
    taken: rollout.ordersTaken.flatMap((order) => takenOrder(order, asked, orders, rollout)),
  }
}

const annotations = { promote: 'promote', abort: 'abort', rollbackTo: 'rollback-to' } as const

/** Orders with the hash of the revision that they name; a name that nothing is known by stays as it is. */
function ordersOf(asked: RequestedActions, stored: ReadonlyMap<string, StoredRevision>, wanted: string): RolloutOrders {
  const revisionOf = (name: string | undefined) =>
    name === undefined || name === wanted ? name : (findRevision(stored, name) ?? name)
  return {
    promote: revisionOf(asked.get('promote')),
    abort: revisionOf(asked.get('abort')),
    rollbackTo: revisionOf(asked.get('rollback-to')),
  }
}

/** What came of an order, for status. */
function takenOrder(
  order: keyof RolloutOrders,
  asked: RequestedActions,
  orders: RolloutOrders,
  { memory, revision }: RolloutDecision,
): TakenAction[] {
  const name = annotations[order]
  const value = asked.get(name)
  if (value === undefined) return []
  const target = orders[order]
  const happened = {
    promote: memory.phase === 'Promoting' && memory.revision === target,
    abort: memory.lastOutcome === 'Aborted' && memory.failedRevision === target,
    rollbackTo: revision === target,
  }[order]
  const message = happened
    ? { promote: 'Traffic moves to it.', abort: 'It is taken back.', rollbackTo: 'It comes back.' }[order]
    : `There was nothing to ${name} with this revision: status.rollout and status.revisions name those that there are.`
  return [{ name, value, message }]
}
