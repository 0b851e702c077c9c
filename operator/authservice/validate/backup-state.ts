import type { Finding } from '../model/finding.ts'
import type { Manifest } from '../model/manifest.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { backupName } from '../resources/jobs/backup.ts'

/** State of the backups of an AuthService. */
export interface BackupState {
  /** The PersistentVolumeClaim that the spec names and that does not exist. */
  missingVolume: string | undefined
  /** When a backup was last due; undefined: never. */
  lastScheduledAt: Date | undefined
  /** When a backup last succeeded; undefined: never. */
  lastSuccessAt: Date | undefined
  running: boolean
}

/**
 * Status that the CronJob controller writes. @see
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1/
 */
interface CronJob extends Manifest {
  status?: { active?: unknown[]; lastScheduleTime?: string; lastSuccessfulTime?: string }
}

/** @returns undefined if the spec has no backups */
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

/** The user must create the volume; until then, the pod of the backup waits, and everything else works. */
export function findBackupProblems(state: BackupState | undefined): Finding[] {
  if (state?.missingVolume === undefined) return []
  const message =
    `Backups wait for PersistentVolumeClaim ${state.missingVolume}, which spec.backup names but which does not exist: ` +
    'create it, or correct the name.'
  return [{ kind: 'warning', condition: 'ProductionReady', reason: 'BackupVolumeMissing', message }]
}

/** Why there is no recent backup of the users; undefined: there is one. */
export function openBackup(state: BackupState | undefined, cronJob: string): string | undefined {
  if (state === undefined) return 'write backup with a schedule and a volume, and test a restore'
  const { missingVolume, lastScheduledAt, lastSuccessAt, running } = state
  if (missingVolume !== undefined) return `create PersistentVolumeClaim ${missingVolume} for the backups`
  if (lastSuccessAt === undefined) {
    return `wait for the first backup, or start it now: kubectl create job --from=cronjob/${cronJob} ${cronJob}-first`
  }
  const failed = lastScheduledAt !== undefined && lastScheduledAt > lastSuccessAt && !running
  return failed ? `the last backup failed: kubectl describe cronjob ${cronJob}` : undefined
}
