import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from '../../operator/kube/client.ts'
import { isConflict, isNotFound, KubeError } from '../../operator/kube/errors.ts'
import { Informer } from '../../operator/kube/informer.ts'
import type { Log } from '../../operator/kube/log.ts'
import type { KubernetesObject, Resource } from '../../operator/kube/objects.ts'

interface Workload extends KubernetesObject {
  spec: { replicas?: number; template?: { metadata?: { labels?: Record<string, string> } } }
  status?: { observedGeneration?: number; readyReplicas?: number }
}

const kinds = {
  deployments: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
  statefulSets: { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true },
  jobs: { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true },
  pods: { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
} satisfies Record<string, Resource>

/**
 * Simulates the controllers and kubelets of a cluster: creates the pods of Deployments and StatefulSets, and writes
 * statuses according to which pods run and Jobs have succeeded. There are no schedulers, ReplicaSets, nodes or delays.
 * All writes are real requests to the same API server.
 */
export class SimulatedCluster {
  readonly #client: KubeClient
  readonly #informers: Informer<Workload>[]
  #waiting: (() => Promise<void>)[] = []
  #running = 0
  #lastDoneAt = 0
  #stopped = false

  constructor(client: KubeClient, log: Log) {
    this.#client = client
    this.#informers = [kinds.deployments, kinds.statefulSets, kinds.jobs].map((resource) => {
      const informer = new Informer<Workload>({ client, resource, log })
      informer.onChange(({ type, object }) => {
        if (type !== 'deleted' && needsStatus(resource, object)) this.#enqueue(() => this.#run(resource, object))
      })
      return informer
    })
  }

  async start(): Promise<void> {
    for (const informer of this.#informers) informer.start()
    await Promise.all(this.#informers.map(({ synced }) => synced))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting = []
    await Promise.all(this.#informers.map((informer) => informer.stop()))
  }

  /** Waits until there was no work for a second. @returns when the last work ended, as performance.now() */
  async settled(): Promise<number> {
    const isIdle = () => this.#running === 0 && this.#waiting.length === 0
    while (!isIdle() || performance.now() - this.#lastDoneAt < 1_000) await delay(50)
    return this.#lastDoneAt
  }

  /** Runs ten at a time, as kube-controller-manager does. */
  #enqueue(work: () => Promise<void>): void {
    this.#waiting.push(work)
    while (this.#running < 10) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#running++
      void next().finally(() => {
        this.#running--
        this.#lastDoneAt = performance.now()
        const following = this.#waiting.shift()
        if (following !== undefined) this.#enqueue(following)
      })
    }
  }

  async #run(resource: Resource, { metadata, spec }: Workload): Promise<void> {
    const { name, namespace = '' } = metadata
    const replicas = spec.replicas ?? 1
    try {
      if (resource !== kinds.jobs) {
        for (let ordinal = 0; ordinal < replicas; ordinal++) await this.#runPod(namespace, `${name}-${ordinal}`, spec)
      }
      const target = { namespace, name, subresource: 'status' }
      await this.#client.mergePatch(resource, target, {
        status: statusOf(resource, metadata.generation ?? 1, replicas),
      })
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return // deleted; or changed, and the change is enqueued
      if (error instanceof KubeError) throw error
      if (this.#stopped) return
      // A busy API server has closed the connection.
      setTimeout(() => this.#enqueue(() => this.#run(resource, { metadata, spec })), 200)
    }
  }

  async #runPod(namespace: string, name: string, { template }: Workload['spec']): Promise<void> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels: template?.metadata?.labels ?? {} },
    }
    const containers = [{ name: 'main', image: 'example.com/image' }]
    try {
      await this.#client.create(kinds.pods, { ...pod, spec: { containers } })
    } catch (error) {
      if (error instanceof KubeError && error.reason === 'AlreadyExists') return
      throw error
    }
    const conditions = [{ type: 'Ready', status: 'True' }]
    const containerStatuses = [{ name: 'main', ready: true, restartCount: 0, image: 'i', imageID: 'i', state: {} }]
    const status = { phase: 'Running', conditions, containerStatuses }
    await this.#client.mergePatch(kinds.pods, { namespace, name, subresource: 'status' }, { status })
  }
}

function needsStatus(resource: Resource, { metadata, spec, status }: Workload): boolean {
  if (resource === kinds.jobs) return !JSON.stringify(status ?? {}).includes('Complete')
  return status?.observedGeneration !== metadata.generation || (status?.readyReplicas ?? 0) !== (spec.replicas ?? 1)
}

function statusOf(resource: Resource, observedGeneration: number, count: number): object {
  if (resource === kinds.jobs) {
    const time = new Date().toISOString()
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, status: 'True' }))
    return { succeeded: 1, startTime: time, completionTime: time, conditions }
  }
  return {
    observedGeneration,
    replicas: count,
    updatedReplicas: count,
    readyReplicas: count,
    availableReplicas: count,
    ...(resource === kinds.statefulSets && { currentRevision: '1', updateRevision: '1', currentReplicas: count }),
  }
}
