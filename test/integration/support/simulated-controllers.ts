import { expect } from 'vitest'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import type { KubernetesObject } from '../../../operator/kube/objects.ts'
import type { Namespace } from './namespace.ts'

interface Workload extends KubernetesObject {
  spec: { replicas?: number }
}

/**
 * Writes the status that the cluster's controllers write when every pod runs and the migrations are complete. An API
 * server alone has no controllers.
 */
export async function makeEverythingAvailable(namespace: Namespace): Promise<void> {
  for (const { metadata, spec } of await namespace.list<Workload>('Deployment')) {
    const pods = spec.replicas ?? 1
    const status = {
      observedGeneration: metadata.generation,
      replicas: pods,
      updatedReplicas: pods,
      readyReplicas: pods,
      availableReplicas: pods,
    }
    await namespace.patch('Deployment', metadata.name, { status }, 'status')
  }
  for (const { metadata } of await namespace.list<Workload>('StatefulSet')) {
    const status = { observedGeneration: metadata.generation, replicas: 1, readyReplicas: 1, availableReplicas: 1 }
    await namespace.patch('StatefulSet', metadata.name, { status }, 'status')
  }
  for (const { metadata, spec } of await namespace.list<Service>('Service')) {
    if (spec.type !== 'LoadBalancer') continue
    await namespace.patch(
      'Service',
      metadata.name,
      { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      'status',
    )
  }
  await completeMigrations(namespace)
}

/** Makes everything available until the AuthService is Ready. @returns the AuthService */
export async function untilReady(
  namespace: Namespace,
  name: string,
  { timeout = 20_000, interval = 200 } = {},
): Promise<AuthService> {
  const ready = async () => {
    await makeEverythingAvailable(namespace)
    return namespace.condition(name, 'Ready')
  }
  await expect.poll(ready, { timeout, interval, message: `condition Ready of ${name}` }).toMatch(/^True/)
  return namespace.authService(name)
}

interface Job extends KubernetesObject {
  status?: { conditions?: object[] }
  spec: { template: { metadata: { labels: Record<string, string> } } }
}

/** Completes the running migrations. Ignores one that is deleted at the same moment. */
export async function completeMigrations(namespace: Namespace): Promise<void> {
  for (const { metadata, status } of await namespace.list<Job>('Job')) {
    if (!/-(migrate|contract)-[0-9a-f]+$/.test(metadata.name) || status?.conditions !== undefined) continue
    await completeJob(namespace, metadata.name).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
}

/** Writes what the kubelet and the Job controller write when the data prevents a migration. */
export async function refuseMigration(namespace: Namespace, name: string, said: string): Promise<void> {
  const labels = (await namespace.get<Job>('Job', name))?.spec.template.metadata.labels
  await leavePod(namespace, { job: name, container: 'migrate', labels, exitCode: 2, said })
  await failJob(namespace, name)
}

interface Service extends KubernetesObject {
  spec: { type?: string; selector?: Record<string, string> }
}

/** Writes the endpoints of each Service that selects a colour: the pods in the status of its Deployment. */
export async function followServices(namespace: Namespace): Promise<void> {
  const deployments = new Map(
    (await namespace.list<Workload>('Deployment')).map(({ metadata, spec }) => [metadata.name, spec.replicas ?? 1]),
  )
  for (const { metadata, spec } of await namespace.list<Service>('Service')) {
    const { 'app.kubernetes.io/instance': instance, 'auth-operator.dev/color': color } = spec.selector ?? {}
    if (color === undefined) continue
    const pods = deployments.get(`${instance}-${color}`) ?? 0
    await namespace.apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: metadata.name,
        labels: { ...metadata.labels, 'kubernetes.io/service-name': metadata.name },
      },
      addressType: 'IPv4',
      endpoints: Array.from({ length: pods }, (_, index) => ({
        addresses: [`10.1.0.${index + 1}`],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: `${instance}-${color}-5d5f8-${index}` },
      })),
    })
  }
}

/** Ends the running smoke test, as the Job controller and the kubelet do. @returns whether one was running */
export async function endSmokeTest(namespace: Namespace, passed: boolean, said: string): Promise<boolean> {
  const jobs = await namespace.list<Job>('Job')
  const job = jobs.find(({ metadata, status }) => metadata.name.includes('-smoke-') && status?.conditions === undefined)
  if (job === undefined) return false
  const { name } = job.metadata
  const { labels } = job.spec.template.metadata
  await leavePod(namespace, { job: name, container: 'smoke-test', labels, exitCode: passed ? 0 : 1, said })
  await (passed ? completeJob(namespace, name) : failJob(namespace, name))
  return true
}

interface EndedPod {
  job: string
  container: string
  labels: Record<string, string> | undefined
  exitCode: number
  said: string
}

async function leavePod(namespace: Namespace, { job, container, labels, exitCode, said }: EndedPod): Promise<void> {
  const pod = `${job}-x`
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, labels: { ...labels, 'batch.kubernetes.io/job-name': job } },
    spec: { containers: [{ name: container, image: 'example.com/api-server' }], restartPolicy: 'Never' },
  })
  const state = { terminated: { exitCode, message: said } }
  const ended = { name: container, image: '', imageID: '', ready: false, restartCount: 0, state }
  const phase = exitCode === 0 ? 'Succeeded' : 'Failed'
  await namespace.patch('Pod', pod, { status: { phase, containerStatuses: [ended] } }, 'status')
}

async function failJob(namespace: Namespace, name: string): Promise<void> {
  const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: at, lastTransitionTime: at })
  const status = { startTime: at, failed: 1, conditions: [condition('FailureTarget'), condition('Failed')] }
  await namespace.patch('Job', name, { status }, 'status')
}

/** Writes the status of a completed Job. */
export async function completeJob(namespace: Namespace, name: string, finishedAt = new Date()): Promise<void> {
  const time = finishedAt.toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: time, lastTransitionTime: time })
  const created = (await namespace.get<KubernetesObject>('Job', name))?.metadata.creationTimestamp
  const status = {
    startTime: created,
    completionTime: time,
    succeeded: 1,
    uncountedTerminatedPods: {},
    conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
  }
  await namespace.patch('Job', name, { status }, 'status')
}
