import { jobHealth, type ObservedJob, terminationMessageOf } from '../../model/health.ts'
import type { Manifest } from '../../model/manifest.ts'
import type { PodTemplate } from '../../model/revision.ts'
import { findChild, podsOfJob, type Snapshot } from '../../model/snapshot.ts'
import {
  attemptAnnotation,
  type MigrationHalf,
  migrationName,
  migrationPrefix,
} from '../../resources/jobs/migration.ts'
import type { Migration } from '../../resources/render-input.ts'
import type { MigrationResult } from '../decide/observation.ts'
import type { RolloutRecord } from '../decide/record.ts'
import { attemptOf } from '../rollout-status.ts'
import { removedJobs } from './finished-jobs.ts'

/**
 * One phase of the migrations of a revision, expand or contract. A Job of an earlier revision with the same image and
 * database has done the same work, and is reused. A failed Job is not reused, so that the migration is attempted again.
 */
export function migrationOf(
  snapshot: Snapshot,
  half: MigrationHalf,
  template: PodTemplate,
  record: Pick<RolloutRecord, 'startedAt'>,
): Migration {
  const source = { template, attempt: attemptOf(record) }
  return (
    migrationTakenOver(snapshot, half, template) ?? {
      ...source,
      name: migrationName(snapshot.authService.metadata.name, source, half, snapshot.resolved),
    }
  )
}

/** The existing or completed migration that is reused; undefined: none. */
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
    // The name of a Job identifies its input, so an edited annotation has no effect.
    if (!Number.isSafeInteger(attempt) || name !== migrationName(owner, { template, attempt }, half, snapshot.resolved))
      continue
    const { state } = jobHealth(job as ObservedJob & Manifest, name, podsOfJob(snapshot, name))
    if (state !== 'failed') return { name, template, attempt }
  }
  for (const { name, attempt, completedAt } of removedJobs(snapshot)) {
    if (name !== migrationName(owner, { template, attempt }, half, snapshot.resolved)) continue
    return { name, template, attempt, finishedAt: new Date(completedAt) }
  }
  return undefined
}

/** State of one phase of the migrations of the revision in progress; undefined before it is started. */
export function observeMigration(
  snapshot: Snapshot,
  half: MigrationHalf,
  { revision, template, record }: { revision: string; template: PodTemplate; record: RolloutRecord },
): MigrationResult | undefined {
  const { name, finishedAt } = migrationOf(snapshot, half, template, record)
  if (finishedAt !== undefined) return { revision, state: 'done', message: `${name} is complete` }
  const job = findChild<ObservedJob & Manifest>(snapshot, 'Job', name)
  if (job === undefined) return undefined
  const pods = podsOfJob(snapshot, name)
  const { state, message } = jobHealth(job, name, pods)
  switch (state) {
    case 'ready':
      return { revision, state: 'done', message }
    case 'failed':
      return { revision, state: 'failed', message: terminationMessageOf(pods) ?? message }
    case 'waiting':
      return { revision, state: 'running', message }
  }
}
