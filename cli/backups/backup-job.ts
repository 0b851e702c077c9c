import type { KubeObject } from '../kubectl.ts'

/** The parts of a CronJob that a Job is made from. */
export interface CronJob extends KubeObject {
  spec: { jobTemplate: { spec: JobSpec } }
}

interface JobSpec {
  template: {
    metadata: { labels: Record<string, string> }
    spec: { containers: [{ name: string; args: string[] }, ...object[]] }
  }
}

/** A task for the script of the CronJob. */
export type BackupTask = { verb: 'list' } | { verb: 'restore'; file: string }

/** How long a finished Job remains, so that a user can inspect it. */
const keptSeconds = { list: 300, restore: 7 * 86_400 } as const

/**
 * A Job with the pod of the CronJob and another task. The CronJob does not own it, because a restore is not a successful
 * backup. The AuthService owns it, but not as its controller, because the operator prunes unknown objects that it controls.
 */
export function backupJob(cronJob: CronJob, authService: KubeObject, task: BackupTask) {
  const { apiVersion, kind, metadata } = authService
  const { template } = cronJob.spec.jobTemplate.spec
  const [container, ...others] = template.spec.containers
  const args = task.verb === 'list' ? ['list'] : ['restore', task.file]
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      generateName: `${metadata.name}-${task.verb}-`,
      namespace: metadata.namespace,
      labels: { ...template.metadata.labels, 'app.kubernetes.io/managed-by': 'kubectl-authservice' },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }],
    },
    spec: {
      ...cronJob.spec.jobTemplate.spec,
      // A user should inspect a failed restore before another attempt.
      backoffLimit: 0,
      ttlSecondsAfterFinished: keptSeconds[task.verb],
      template: { ...template, spec: { ...template.spec, containers: [{ ...container, args }, ...others] } },
    },
  }
}
