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

/** What the script of the CronJob is asked to do. */
export type BackupTask = { verb: 'list' } | { verb: 'restore'; file: string }

/** How long a Job that is over stays, for a person to look at. */
const keptSeconds = { list: 300, restore: 7 * 86_400 } as const

/**
 * A Job with the pod of the CronJob and another task. The CronJob does not own it: a restore is no backup that
 * succeeded. The AuthService does, without controlling it: the operator prunes what it controls and does not know.
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
      // A restore that failed halfway is looked at by a person before it is tried again.
      backoffLimit: 0,
      ttlSecondsAfterFinished: keptSeconds[task.verb],
      template: { ...template, spec: { ...template.spec, containers: [{ ...container, args }, ...others] } },
    },
  }
}
