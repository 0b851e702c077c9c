import type { Manifest } from '../apply/plan.ts'
import { jobHealth, lastWordsOf, type ObservedJob } from '../health.ts'
import { attemptAnnotation, type MigrationHalf, type MigrationSource, migrationName } from '../resources/migration.ts'
import { findChild, podsOfJob, type Snapshot } from '../snapshot.ts'
import type { PodTemplate } from './revisions.ts'
import type { MigrationResult, RolloutMemory } from './world.ts'

/**
 * What a half of the migrations of a revision is made from. A Job of an earlier revision with the same image and
 * database did all that there is to do: it is taken over. One that failed is not, so that it is tried again.
 */
export function migrationSource(
  snapshot: Snapshot,
  half: MigrationHalf,
  template: PodTemplate,
  { startedAt }: Pick<RolloutMemory, 'startedAt'>,
): MigrationSource {
  // Status holds whole seconds.
  const own = Math.trunc((startedAt?.getTime() ?? 0) / 1000)
  return { template, attempt: attemptTakenOver(snapshot, half, template) ?? own }
}

/** Of which try the Job is that can be taken over; undefined where there is none. */
export function attemptTakenOver(snapshot: Snapshot, half: MigrationHalf, template: PodTemplate): number | undefined {
  const owner = snapshot.authService.metadata.name
  for (const job of snapshot.children) {
    const attempt = Number(job.metadata.annotations?.[attemptAnnotation])
    if (job.kind !== 'Job' || !Number.isSafeInteger(attempt)) continue
    const { name, deletionTimestamp } = job.metadata
    // The name tells what a Job was made from, so an annotation that somebody changed is not believed.
    if (deletionTimestamp !== undefined || name !== migrationName(owner, { template, attempt }, half)) continue
    if (jobHealth(job as ObservedJob & Manifest, name, podsOfJob(snapshot, name)).state !== 'failed') return attempt
  }
  return undefined
}

/** How one half of the migrations of the revision that is under way goes; undefined before it was started. */
export function observeMigration(
  snapshot: Snapshot,
  half: MigrationHalf,
  { revision, template, memory }: { revision: string; template: PodTemplate; memory: RolloutMemory },
): MigrationResult | undefined {
  const source = migrationSource(snapshot, half, template, memory)
  const name = migrationName(snapshot.authService.metadata.name, source, half)
  const job = findChild<ObservedJob & Manifest>(snapshot, 'Job', name)
  if (job === undefined) return undefined
  const pods = podsOfJob(snapshot, name)
  const { state, message } = jobHealth(job, name, pods)
  switch (state) {
    case 'ready':
      return { revision, state: 'done', message }
    case 'failed':
      return { revision, state: 'failed', message: lastWordsOf(pods) ?? message }
    case 'waiting':
      return { revision, state: 'running', message }
  }
}
