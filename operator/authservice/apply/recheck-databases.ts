import type { DatabaseRecheck } from '../model/database-recheck.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'

/**
 * Deletes the Job that inspected the databases when they must be inspected, or migrated, again. The next reconcile
 * creates it, like every missing child.
 *
 * @param remove deletes an object of the cluster
 */
export async function recheckDatabases(
  snapshot: Snapshot,
  recheck: DatabaseRecheck | undefined,
  now: Date,
  remove: (job: Manifest) => Promise<void>,
): Promise<void> {
  if (recheck === undefined || recheck.at > now) return
  const job = findChild<Manifest>(snapshot, 'Job', recheck.job)
  if (job !== undefined && job.metadata.deletionTimestamp === undefined) await remove(job)
}
