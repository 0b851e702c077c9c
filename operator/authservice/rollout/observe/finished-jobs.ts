import type { FinishedJob } from '../../api/status.ts'
import type { DatabaseRecheck } from '../../model/database-recheck.ts'
import { jobHealth, type ObservedJob } from '../../model/health.ts'
import type { Manifest } from '../../model/manifest.ts'
import { findChild, type Snapshot } from '../../model/snapshot.ts'
import { timestamp } from '../../model/timestamp.ts'
import type { Migration, Placement } from '../../resources/render-input.ts'

type Job = Manifest &
  ObservedJob & { spec?: { ttlSecondsAfterFinished?: number }; status?: { completionTime?: string } }

/** Maximum time by which the clock of the controller that removes Jobs may be ahead of ours. */
const clockSkewMilliseconds = 30_000

/**
 * Completed migrations whose Jobs were removed by their time-to-live. A Job that disappeared earlier was deleted by a
 * user, who wants it to run again.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
 */
export function removedJobs({
  authService,
  children,
  observedAt,
}: Pick<Snapshot, 'authService' | 'children' | 'observedAt'>): FinishedJob[] {
  const isThere = (name: string) =>
    children.some(({ kind, metadata }) => kind === 'Job' && metadata.name === name && !metadata.deletionTimestamp)
  const isExpired = ({ expiresAt }: FinishedJob) =>
    Date.parse(expiresAt) - clockSkewMilliseconds <= observedAt.getTime()
  return (authService.status?.finishedJobs ?? []).filter((job) => isExpired(job) && !isThere(job.name))
}

/**
 * The record of migrations in status: those that are complete and that their time-to-live will remove, or has removed.
 * An entry ends when the database must be migrated again, for which the operator deletes an existing Job.
 *
 * @param recheck when the Job that prepares the database must run again
 */
export function finishedJobs(
  snapshot: Snapshot,
  { migration, contraction }: Pick<Placement, 'migration' | 'contraction'>,
  recheck: DatabaseRecheck | undefined,
): FinishedJob[] {
  const removed = new Map(removedJobs(snapshot).map((job) => [job.name, job]))
  const isToRunAgain = ({ name, finishedAt }: Migration) => {
    if (recheck?.job !== name) return false
    // Only for an existing Job is it known that the databases must be inspected again.
    return finishedAt === undefined || recheck.at <= snapshot.observedAt
  }
  return [migration, contraction].flatMap((one) => {
    if (one === undefined || isToRunAgain(one)) return []
    return removed.get(one.name) ?? finishedJob(snapshot, one) ?? []
  })
}

/** undefined: it is not complete, or it has no time-to-live. */
function finishedJob(snapshot: Snapshot, { name, attempt }: Migration): FinishedJob | undefined {
  const job = findChild<Job>(snapshot, 'Job', name)
  const seconds = job?.spec?.ttlSecondsAfterFinished
  const completedAt = job?.status?.completionTime
  if (seconds === undefined || completedAt === undefined || jobHealth(job, name, []).state !== 'ready') return undefined
  const expiresAt = timestamp(new Date(Date.parse(completedAt) + seconds * 1000))
  return { name, attempt, completedAt, expiresAt }
}
