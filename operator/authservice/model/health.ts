/** State of one component of an AuthService. `failed`: waiting longer does not help. */
export type Health =
  | { state: 'ready'; message: string }
  /** `isRefused`: the API server rejects its pods, so waiting may not help. */
  | { state: 'waiting'; message: string; isRefused?: true }
  | { state: 'failed'; message: string }

interface ObservedCondition {
  type: string
  status: string
  reason?: string
  message?: string
}

/** Common fields of Deployments and StatefulSets. */
export interface Workload {
  metadata: { name: string; generation?: number }
  spec?: { replicas?: number; paused?: boolean }
  status?: {
    observedGeneration?: number
    replicas?: number
    readyReplicas?: number
    availableReplicas?: number
    conditions?: ObservedCondition[]
  }
}

/** The part of a Pod that shows why it is not ready. */
export interface ObservedPod {
  metadata: {
    name: string
    creationTimestamp?: string
    deletionTimestamp?: string
    annotations?: Record<string, string>
  }
  /** Problems that the server reports while it is not ready; undefined: none. */
  reported?: string
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
    running?: object
    terminated?: { reason?: string; exitCode?: number; message?: string }
  }
  lastState?: { terminated?: { reason?: string; exitCode?: number } }
}

/** Why pods of a workload are missing or not ready; undefined if no problem is known. */
export function workloadProblem(workload: Workload, pods: readonly ObservedPod[]): string | undefined {
  const { metadata, spec } = workload
  if (spec?.paused === true) {
    return `Deployment ${metadata.name} is paused, so its pods are not replaced: kubectl rollout resume deployment/${metadata.name}`
  }
  return refusalOf(workload) ?? (notReadyReason(pods) || undefined)
}

/**
 * Whether the pods of a Deployment or StatefulSet exist and are ready, and if not, why.
 *
 * @param pods its known pods
 * @param enough number of ready pods that is sufficient, because the others are only starting or terminating; by
 * default, all
 */
export function workloadHealth(
  workload: Workload | undefined,
  name: string,
  pods: readonly ObservedPod[],
  enough?: number,
): Health {
  if (workload === undefined) return { state: 'waiting', message: `${name} is being created` }
  const { generation = 0 } = workload.metadata
  const { observedGeneration = 0, readyReplicas = 0, availableReplicas = readyReplicas } = workload.status ?? {}
  const wanted = workload.spec?.replicas ?? 1
  const count = `${availableReplicas} of ${wanted} pods of ${name} are ready`
  if (enough !== undefined && availableReplicas >= Math.max(1, enough) && availableReplicas < wanted) {
    return { state: 'ready', message: `${count}, which is enough while the others start` }
  }
  if (observedGeneration < generation)
    return { state: 'waiting', message: `waiting for the spec update of ${name} to be observed` }
  // Every component of an AuthService needs a pod, so another client scaled it down.
  if (wanted === 0) return { state: 'waiting', message: `${name} is scaled to 0 pods` }
  if (availableReplicas >= wanted) return { state: 'ready', message: count }

  const because = workloadProblem(workload, pods)
  const message = `waiting for ${wanted - availableReplicas} of ${wanted} pods of ${name}${because === undefined ? '' : `: ${because}`}`
  return { state: 'waiting', message, ...(refusalOf(workload) !== undefined && { isRefused: true }) }
}

/** The error of the API server about pods that it rejected: a quota, a LimitRange, a webhook, a missing class. */
function refusalOf({ status }: Workload): string | undefined {
  const refused = status?.conditions?.find((one) => one.type === 'ReplicaFailure' && one.status === 'True')
  return refused && (refused.message ?? refused.reason ?? 'the API server refuses its pods')
}

/** The part of an autoscaling/v2 HorizontalPodAutoscaler that shows whether it works. */
export interface ObservedAutoscaler {
  status?: { conditions?: (ObservedCondition & { lastTransitionTime?: string })[] }
}

/** An autoscaler has no metrics of pods that have just started, so its failure to scale counts only after this time. */
const autoscalerGraceMilliseconds = 180_000

/** Why an autoscaler cannot scale, and from when on this counts; undefined: it can. */
export function autoscalerProblem(
  autoscaler: ObservedAutoscaler | undefined,
): { message: string; countsFrom: Date } | undefined {
  const failed = autoscaler?.status?.conditions?.find(
    ({ type, status, reason }) =>
      (type === 'ScalingActive' || type === 'AbleToScale') && status === 'False' && reason !== 'ScalingDisabled',
  )
  if (failed === undefined) return undefined
  const since = Date.parse(failed.lastTransitionTime ?? '')
  return {
    message: failed.message ?? failed.reason ?? 'no reason given',
    countsFrom: new Date((Number.isNaN(since) ? 0 : since) + autoscalerGraceMilliseconds),
  }
}

/** The part of a Job that shows its result. */
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
    const why = terminationMessageOf(pods) ?? failure.message ?? failure.reason ?? 'no reason given'
    return { state: 'failed', message: `${name} failed: ${why}` }
  }
  const because = notReadyReason(pods) || whatHoldsUp(pods)
  return { state: 'waiting', message: `waiting for ${name}${because === '' ? '' : `: ${because}`}` }
}

/** The containers of our Jobs. Any other container in such a pod was injected. */
const jobContainers: ReadonlySet<string> = new Set(['migrate', 'smoke-test', 'rotate-passwords', 'backup'])

/** The termination messages of our containers in the pods of a Job. */
export function messagesOf(pods: readonly ObservedPod[]): string[] {
  return pods
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .filter(({ name }) => jobContainers.has(name))
    .flatMap(({ state }) => state?.terminated?.message || [])
}

/**
 * The termination message of the container of a failed pod.
 * @see https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
export function terminationMessageOf(pods: readonly ObservedPod[]): string | undefined {
  return messagesOf(pods)[0]
}

/**
 * The injected container that prevents the pod of a Job from completing, although its work is done; empty if there is
 * none.
 */
function whatHoldsUp(pods: readonly ObservedPod[]): string {
  for (const { metadata, status } of pods) {
    const containers = status?.containerStatuses ?? []
    const own = containers.find(({ name }) => jobContainers.has(name))
    const other = containers.find(({ name, state }) => !jobContainers.has(name) && state?.running !== undefined)
    if (own?.state?.terminated?.exitCode !== 0 || other === undefined) continue
    return (
      `container ${other.name} of pod ${metadata.name} still runs, although ${own.name} has completed: keep it out of Jobs with ` +
      'spec.jobs.labels (Istio: sidecar.istio.io/inject: "false") or spec.jobs.annotations (Linkerd: ' +
      'linkerd.io/inject: disabled), which does not affect the servers, or inject it as a native sidecar'
    )
  }
  return ''
}

/** Waiting reasons that occur at every start and explain nothing. */
export const ordinaryWaits: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing'])

/**
 * The most informative reason among the pods; empty if they are only starting.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
 */
function notReadyReason(pods: readonly ObservedPod[]): string {
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue
    const unschedulable = pod.status?.conditions?.find((one) => one.type === 'PodScheduled' && one.status === 'False')
    if (unschedulable)
      return `pod ${pod.metadata.name} cannot be scheduled: ${unschedulable.message ?? unschedulable.reason}`
    const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    for (const container of containers) {
      const reason = containerProblem(container)
      if (reason !== undefined) return `container ${container.name} of pod ${pod.metadata.name}: ${reason}`
    }
    if (pod.reported !== undefined) return `pod ${pod.metadata.name} is not ready: ${pod.reported}`
  }
  return ''
}

function containerProblem({ image, restartCount = 0, state, lastState }: ObservedContainer): string | undefined {
  const { reason, message } = state?.waiting ?? {}
  if (reason === undefined || ordinaryWaits.has(reason)) return undefined
  if (reason === 'CrashLoopBackOff') {
    const last = lastState?.terminated
    return `it terminated ${restartCount} times, most recently with ${last?.reason ?? 'Error'} (exit code ${last?.exitCode ?? '?'})`
  }
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff') return `image ${image} cannot be pulled (${reason})`
  return `${reason}${message === undefined ? '' : `: ${message}`}`
}
