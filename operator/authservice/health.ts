/** How far one part of an AuthService is. `failed`: waiting longer will not help. */
export type Health =
  | { state: 'ready'; message: string }
  | { state: 'waiting'; message: string }
  | { state: 'failed'; message: string }

interface ObservedCondition {
  type: string
  status: string
  reason?: string
  message?: string
}

/** What Deployments and StatefulSets have in common. */
export interface Workload {
  metadata: { name: string; generation?: number }
  spec?: { replicas?: number }
  status?: {
    observedGeneration?: number
    replicas?: number
    readyReplicas?: number
    availableReplicas?: number
    conditions?: ObservedCondition[]
  }
}

/** The part of a Pod that tells why it is not ready. */
export interface ObservedPod {
  metadata: { name: string; deletionTimestamp?: string }
  status?: {
    phase?: string
    podIP?: string
    conditions?: ObservedCondition[]
    initContainerStatuses?: ObservedContainer[]
    containerStatuses?: ObservedContainer[]
  }
}
interface ObservedContainer {
  name: string
  image?: string
  ready?: boolean
  restartCount?: number
  state?: {
    waiting?: { reason?: string; message?: string }
    terminated?: { reason?: string; exitCode?: number; message?: string }
  }
  lastState?: { terminated?: { reason?: string; exitCode?: number } }
}

/**
 * Whether all pods that a Deployment or StatefulSet wants are there and ready, and if not, why.
 *
 * @param pods its pods, as far as they are known
 */
export function workloadHealth(workload: Workload | undefined, name: string, pods: readonly ObservedPod[]): Health {
  if (workload === undefined) return { state: 'waiting', message: `${name} is being created` }
  const { generation = 0 } = workload.metadata
  const { observedGeneration = 0, readyReplicas = 0, availableReplicas = readyReplicas } = workload.status ?? {}
  const wanted = workload.spec?.replicas ?? 1
  if (observedGeneration < generation) return { state: 'waiting', message: `waiting for ${name} to be taken up` }
  if (availableReplicas >= wanted)
    return { state: 'ready', message: `${availableReplicas} of ${wanted} pods of ${name} are ready` }

  const because = whyNotReady(pods)
  const message = `waiting for ${wanted - availableReplicas} of ${wanted} pods of ${name}${because === '' ? '' : `: ${because}`}`
  return { state: 'waiting', message }
}

/** The part of a Job that tells how it went. */
export interface ObservedJob {
  metadata: { name: string }
  status?: { succeeded?: number; failed?: number; conditions?: ObservedCondition[] }
}

/** Whether a Job is done. */
export function jobHealth(job: ObservedJob | undefined, name: string, pods: readonly ObservedPod[]): Health {
  const condition = (type: string) => job?.status?.conditions?.find((one) => one.type === type && one.status === 'True')
  if (condition('Complete')) return { state: 'ready', message: `${name} is complete` }
  const failure = condition('Failed')
  if (failure) {
    const why = lastWordsOf(pods) ?? failure.message ?? failure.reason ?? 'no reason given'
    return { state: 'failed', message: `${name} failed: ${why}` }
  }
  const because = whyNotReady(pods)
  return { state: 'waiting', message: `waiting for ${name}${because === '' ? '' : `: ${because}`}` }
}

/**
 * What the container of a failed pod left as its termination message.
 * @see https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
export function lastWordsOf(pods: readonly ObservedPod[]): string | undefined {
  return pods.map(({ status }) => status?.containerStatuses?.[0]?.state?.terminated?.message).find(Boolean)
}

/** Waiting reasons that are a part of every start and explain nothing. */
export const ordinaryWaits: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing'])

/**
 * The most telling reason among the pods, empty when they are only starting.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
 */
export function whyNotReady(pods: readonly ObservedPod[]): string {
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue
    const unschedulable = pod.status?.conditions?.find((one) => one.type === 'PodScheduled' && one.status === 'False')
    if (unschedulable)
      return `pod ${pod.metadata.name} cannot be scheduled: ${unschedulable.message ?? unschedulable.reason}`
    const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    for (const container of containers) {
      const reason = containerTrouble(container)
      if (reason !== undefined) return `container ${container.name} of pod ${pod.metadata.name}: ${reason}`
    }
  }
  return ''
}

function containerTrouble({ image, restartCount = 0, state, lastState }: ObservedContainer): string | undefined {
  const { reason, message } = state?.waiting ?? {}
  if (reason === undefined || ordinaryWaits.has(reason)) return undefined
  if (reason === 'CrashLoopBackOff') {
    const last = lastState?.terminated
    return `it ended ${restartCount} times, last with ${last?.reason ?? 'Error'} (exit code ${last?.exitCode ?? '?'})`
  }
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff') return `image ${image} cannot be pulled (${reason})`
  return `${reason}${message === undefined ? '' : `: ${message}`}`
}
