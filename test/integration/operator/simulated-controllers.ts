import type { KubernetesObject } from '../../../operator/kube/objects.ts'
import type { Namespace } from './namespace.ts'

interface Workload extends KubernetesObject {
  spec: { replicas?: number }
}

/**
 * Writes the status that the cluster's own controllers would write once every pod runs. An API server alone has no
 * controllers.
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
}

interface Service extends KubernetesObject {
  spec: { selector?: Record<string, string> }
}

/** Writes the endpoints of each Service that selects a colour: the pods that its Deployment's status counts. */
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
      ...{
        addressType: 'IPv4',
        endpoints: Array.from({ length: pods }, (_, index) => ({
          addresses: [`10.1.0.${index + 1}`],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: `${instance}-${color}-5d5f8-${index}` },
        })),
      },
    })
  }
}

/** Ends the smoke test that runs, as the Job controller and the kubelet would. @returns whether there was one to end */
export async function endSmokeTest(namespace: Namespace, passed: boolean, said: string): Promise<boolean> {
  interface Job extends KubernetesObject {
    status?: { conditions?: object[] }
    spec: { template: { metadata: { labels: Record<string, string> } } }
  }
  const jobs = await namespace.list<Job>('Job')
  const job = jobs.find(({ metadata, status }) => metadata.name.includes('-smoke-') && status?.conditions === undefined)
  if (job === undefined) return false
  const { name } = job.metadata
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-x`, labels: { ...job.spec.template.metadata.labels, 'job-name': name } },
    ...{ spec: { containers: [{ name: 'smoke-test', image: 'example.com/api-server' }], restartPolicy: 'Never' } },
  })
  const terminated = { exitCode: passed ? 0 : 1, message: said }
  await namespace.patch(
    'Pod',
    `${name}-x`,
    {
      status: {
        phase: passed ? 'Succeeded' : 'Failed',
        containerStatuses: [
          { name: 'smoke-test', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } },
        ],
      },
    },
    'status',
  )
  const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: at, lastTransitionTime: at })
  const status = passed
    ? {
        startTime: at,
        completionTime: at,
        succeeded: 1,
        conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
      }
    : { startTime: at, failed: 1, conditions: [condition('FailureTarget'), condition('Failed')] }
  await namespace.patch('Job', name, { status }, 'status')
  return true
}

/** What the Job controller writes once the pods of a Job have done their work. */
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
