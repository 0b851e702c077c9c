import { expect, test } from 'vitest'
import { backupJob, type CronJob } from './backup-job.ts'

const cronJob: CronJob = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'accounts-backup', namespace: 'team-a', uid: 'cron-uid' },
  spec: {
    jobTemplate: {
      spec: {
        template: {
          metadata: { labels: { 'app.kubernetes.io/component': 'backup' } },
          spec: { containers: [{ name: 'backup', args: ['backup'] }] },
        },
      },
    },
  },
}
const authService = {
  apiVersion: 'auth-operator.dev/v1alpha1',
  kind: 'AuthService',
  metadata: { name: 'accounts', namespace: 'team-a', uid: 'service-uid' },
}

test('a restore runs the pod of the backup once, with another task', () => {
  const { spec } = backupJob(cronJob, authService, { verb: 'restore', file: 'a.archive.gz' })
  expect(spec.template.spec.containers).toEqual([{ name: 'backup', args: ['restore', 'a.archive.gz'] }])
  expect(spec.template.metadata).toEqual(cronJob.spec.jobTemplate.spec.template.metadata)
  expect(spec.backoffLimit).toBe(0)
})

test('it is deleted with the AuthService, is not counted by the CronJob, and is not pruned by the operator', () => {
  const { metadata } = backupJob(cronJob, authService, { verb: 'list' })
  const { apiVersion, kind } = authService
  expect(metadata.ownerReferences).toEqual([{ apiVersion, kind, name: 'accounts', uid: 'service-uid' }])
  expect(metadata.labels['app.kubernetes.io/managed-by']).toBe('kubectl-authservice')
})
