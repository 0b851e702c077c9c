import type { RolloutObservation } from './observation.ts'
import type { RolloutRecord } from './record.ts'

/**
 * Whether nothing can be concluded about this revision: servers of every revision cannot reach a database, so no new
 * server becomes ready; or no pod of any revision is available, for example because no node has capacity. Without pods
 * of other revisions to compare with, the problem counts against the revision.
 */
export function isOutage({ colors, unavailableDatabases }: RolloutObservation, revision: string): boolean {
  if (unavailableDatabases.length > 0) return true
  const wanted = Object.values(colors).filter(({ replicas }) => replicas > 0)
  const hasOthers = wanted.some((one) => one.revision !== revision || one.totalReplicas > one.updatedReplicas)
  return hasOthers && wanted.every(({ availableReplicas }) => availableReplicas === 0)
}

/**
 * Number of tests that are discarded because a database was unavailable during them. The result of the next test
 * counts.
 */
export const mostRetests = 3

/** Whether a failed smoke test says nothing about the revision, because there is or was an outage while it ran. */
export function isTestExcused(observed: RolloutObservation, { revision, retest }: RolloutRecord): boolean {
  if (revision === undefined || (retest?.count ?? 0) >= mostRetests) return false
  return retest?.hadOutage === true || isOutage(observed, revision)
}

/**
 * Whether an outage delays or repeats the smoke test: the deadline does not count meanwhile. The record shows this
 * until the test after the outage is recorded; an operator that terminated after creating the Job has not recorded it.
 * Each test ends by the deadline of its Job.
 */
export function isRetestAwaited({ phase, retest }: RolloutRecord): boolean {
  return phase === 'Testing' && retest?.hadOutage === true
}
