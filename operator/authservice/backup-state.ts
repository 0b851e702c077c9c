import type { Manifest } from './apply/plan.ts'
import type { Finding } from './finding.ts'
import { backupName } from './resources/backup.ts'
import { findChild, type Snapshot } from './snapshot.ts'

/** How the backups of an AuthService stand. */
export interface BackupState {
  /** The PersistentVolumeClaim that is named and is not there. */
  missingVolume: string | undefined
  /** When a backup was last due; undefined: not yet. */
  lastScheduledAt: Date | undefined
  /** When one last succeeded; undefined: never. */
  lastSuccessAt: Date | undefined
  running: boolean
}

/** What the CronJob controller writes. @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1/ */
interface CronJob extends Manifest {
  status?: { active?: unknown[]; lastScheduleTime?: string; lastSuccessfulTime?: string }
}

/** @returns undefined when the spec asks for no backups */
export function observeBackup(snapshot: Snapshot): BackupState | undefined {
  const { authService, resolved, missingBackupVolume } = snapshot
  if (resolved.backup === undefined) return undefined
  const { status } = findChild<CronJob>(snapshot, 'CronJob', backupName(authService.metadata.name)) ?? {}
  const dateOf = (time: string | undefined) => (time === undefined ? undefined : new Date(time))
  return {
    missingVolume: missingBackupVolume,
    lastScheduledAt: dateOf(status?.lastScheduleTime),
    lastSuccessAt: dateOf(status?.lastSuccessfulTime),
    running: (status?.active?.length ?? 0) > 0,
  }
}

/** The volume is the user's to make; until then the backup's pod waits, and everything else works. */
export function findBackupProblems(state: BackupState | undefined): Finding[] {
  if (state?.missingVolume === undefined) return []
  const message =
    `Backups wait for PersistentVolumeClaim ${state.missingVolume}, which spec.backup names and which does not exist: ` +
    'create it, or correct the name.'
  return [{ kind: 'note', condition: 'ProductionReady', reason: 'BackupVolumeMissing', message }]
}

/** What keeps the users from being safe; undefined: nothing. */
export function openBackup(state: BackupState | undefined, cronJob: string): string | undefined {
  if (state === undefined) return 'write backup, with a schedule and a volume, and try a restore'
  const { missingVolume, lastScheduledAt, lastSuccessAt, running } = state
  if (missingVolume !== undefined) return `create PersistentVolumeClaim ${missingVolume}, where backups go`
  if (lastSuccessAt === undefined) {
    return `wait for the first backup, or make it now: kubectl create job --from=cronjob/${cronJob} ${cronJob}-first`
  }
  const failed = lastScheduledAt !== undefined && lastScheduledAt > lastSuccessAt && !running
  return failed ? `the last backup failed: kubectl describe cronjob ${cronJob}` : undefined
}
