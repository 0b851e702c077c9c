import type { Manifest } from '../apply/plan.ts'
import { jobHealth, lastWordsOf, type ObservedJob } from '../health.ts'
import {
  attemptAnnotation,
  type Migration,
  type MigrationHalf,
  migrationName,
  migrationPrefix,
} from '../resources/migration.ts'
import { findChild, podsOfJob, type Snapshot } from '../snapshot.ts'
import { attemptOf } from './memory.ts'
import type { PodTemplate } from './revisions.ts'
import type { MigrationResult, RolloutMemory } from './world.ts'

/**
 * A half of the migrations of a revision. A Job of an earlier revision with the same image and database did all that
 * there is to do: it is taken over. One that failed is not, so that it is tried again.
 */
export function migrationOf(
  snapshot: Snapshot,
  half: MigrationHalf,
  template: PodTemplate,
  memory: Pick<RolloutMemory, 'startedAt'>,
): Migration {
  const source = { template, attempt: attemptOf(memory) }
  return (
    migrationTakenOver(snapshot, half, template) ?? {
      ...source,
      name: migrationName(snapshot.authService.metadata.name, source, half),
    }
  )
}

/** The one that is there and is taken over; undefined where there is none. */
export function migrationTakenOver(
  snapshot: Snapshot,
  half: MigrationHalf,
  template: PodTemplate,
): Migration | undefined {
  const owner = snapshot.authService.metadata.name
  const prefix = migrationPrefix(owner, half)
  for (const job of snapshot.children) {
    const { name, deletionTimestamp, annotations } = job.metadata
    if (job.kind !== 'Job' || deletionTimestamp !== undefined || !name.startsWith(prefix)) continue
    const attempt = Number(annotations?.[attemptAnnotation])
    // The name tells what a Job was made from, so an annotation that somebody changed is not believed.
    if (!Number.isSafeInteger(attempt) || name !== migrationName(owner, { template, attempt }, half)) continue
    const { state } = jobHealth(job as ObservedJob & Manifest, name, podsOfJob(snapshot, name))
    if (state !== 'failed') return { name, template, attempt }
  }
  return undefined
}

/** How one half of the migrations of the revision that is under way goes; undefined before it was started. */
export function observeMigration(
  snapshot: Snapshot,
  half: MigrationHalf,
  { revision, template, memory }: { revision: string; template: PodTemplate; memory: RolloutMemory },
): MigrationResult | undefined {
  const { name } = migrationOf(snapshot, half, template, memory)
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
