import type { Manifest } from '../apply/plan.ts'
import { jobHealth, lastWordsOf, type ObservedJob } from '../health.ts'
import { type MigrationHalf, type MigrationSource, migrationName } from '../resources/migration.ts'
import { findChild, podsOfJob, type Snapshot } from '../snapshot.ts'
import type { PodTemplate } from './revisions.ts'
import type { MigrationResult, RolloutMemory } from './world.ts'

/** What the migrations of a revision are made from, by what is remembered of its way. */
export function migrationSource(
  template: PodTemplate,
  { startedAt }: Pick<RolloutMemory, 'startedAt'>,
): MigrationSource {
  // Status holds whole seconds.
  return { template, attempt: Math.trunc((startedAt?.getTime() ?? 0) / 1000) }
}

/** How one half of the migrations of the revision that is under way goes; undefined before it was started. */
export function observeMigration(
  snapshot: Snapshot,
  half: MigrationHalf,
  { revision, template, memory }: { revision: string; template: PodTemplate; memory: RolloutMemory },
): MigrationResult | undefined {
  const name = migrationName(snapshot.authService.metadata.name, migrationSource(template, memory), half)
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
