import { jobPodMetadata, labelsOf, metadataOf } from '../../model/labels.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { jobResources } from '../job-resources.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { databaseMounts, mountPathOf, pathOf } from '../server/secret-mounts.ts'
import { type BackupEnvironment, backupScript } from './backup-script.ts'

const directory = '/backups'

export function backupName(authService: string): string {
  return `${authService}-backup`
}

/**
 * Dumps the database on schedule. `kubectl authservice restore` creates a Job with the same pod and other arguments, so
 * a restore has the same access as a backup.
 */
export function renderBackup(input: RenderInput): Child[] {
  const { owner, resolved } = input
  const { backup } = resolved
  if (backup === undefined) return []
  return [
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: metadataOf(input, backupName(owner.name), 'backup'),
      spec: {
        schedule: backup.schedule,
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        // The CronJob controller may have been down at the scheduled time: a backup that is an hour late is better than
        // one that is a day late.
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels: labelsOf(owner.name, 'backup') },
          spec: {
            backoffLimit: 2,
            activeDeadlineSeconds: 6 * 3600,
            template: {
              metadata: jobPodMetadata(input.resolved, labelsOf(owner.name, 'backup')),
              spec: pod(input, backup),
            },
          },
        },
      },
    },
  ]
}

function pod(input: RenderInput, { claimName }: { claimName: string }) {
  const { owner, resolved } = input
  const mounts = secretMounts(input)
  return {
    ...podDefaults,
    serviceAccountName: resolved.pod.serviceAccountName ?? owner.name,
    ...imagePullSecrets(input),
    restartPolicy: 'Never',
    securityContext: podSecurity(users.mongodb),
    containers: [container(input)],
    volumes: [
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
      { name: 'backups', persistentVolumeClaim: { claimName } },
      ...mounts.map(({ volume, secretName, key }) => ({
        name: volume,
        secret: { secretName, items: [{ key, path: key }] },
      })),
    ],
  }
}

function container(input: RenderInput) {
  return {
    name: 'backup',
    image: input.images.mongodb,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', backupScript, 'backup'],
    args: ['backup'],
    env: Object.entries(environment(input)).map(([name, value]) => ({ name, value })),
    resources: jobResources(input.resolved, { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } }),
    securityContext: containerSecurity,
    // The last output of a program that failed outside of the script, such as one that ran out of memory.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'backups', mountPath: directory },
      ...secretMounts(input).map((mount) => ({ name: mount.volume, mountPath: mountPathOf(mount), readOnly: true })),
    ],
  }
}

function secretMounts(input: RenderInput) {
  const { mongodb, mongodbCa } = databaseMounts(input)
  return [mongodb, ...(mongodbCa === undefined ? [] : [mongodbCa])]
}

function environment(input: RenderInput): BackupEnvironment {
  const { mongodb, backup } = input.resolved
  const mounts = databaseMounts(input)
  return {
    AUTHSERVICE_NAME: input.owner.name,
    MONGODB_URL_FILE: pathOf(mounts.mongodb),
    ...(mounts.mongodbCa && { MONGODB_CA_FILE: pathOf(mounts.mongodbCa) }),
    DATABASE_NAME: mongodb.database,
    COLLECTION_NAME: mongodb.usersCollection,
    BACKUP_KEEP: String(backup?.keep),
    BACKUP_DIRECTORY: directory,
    RESULT_FILE: '/dev/termination-log',
  }
}
