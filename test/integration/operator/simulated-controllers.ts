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
