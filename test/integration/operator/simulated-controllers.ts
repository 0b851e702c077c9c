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
