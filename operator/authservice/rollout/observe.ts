import type { Manifest } from '../apply/plan.ts'
import type { EndpointSlice } from '../cluster.ts'
import { whyNotReady } from '../health.ts'
import { colorLabel, revisionLabel } from '../resources/metadata.ts'
import { findChild, podsOf, type Snapshot } from '../snapshot.ts'
import {
  type Color,
  colors,
  type ObservedColor,
  type RolloutOrders,
  type RolloutPolicy,
  type RolloutWorld,
} from './world.ts'

/** The part of apps/v1 Deployment that a rollout reads. */
type Deployment = Manifest & {
  spec?: { replicas?: number; template?: { metadata?: { labels?: Record<string, string> } } }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    conditions?: { type: string; status: string; message?: string }[]
  }
  metadata: { generation?: number }
}
type Service = Manifest & { spec?: { selector?: Record<string, string> } }

/** What a snapshot does not show of a rollout. */
export interface RolloutInputs {
  /** Hash of the pod template that the spec asks for. */
  specRevision: string
  knownRevisions: ReadonlySet<string>
  orders: RolloutOrders
  migration: RolloutWorld['migration']
  contraction: RolloutWorld['contraction']
  smokeTest: RolloutWorld['smokeTest']
  analysis: RolloutWorld['analysis']
}

/** Reads from a snapshot what a rollout is decided on. */
export function observeRollout(snapshot: Snapshot, inputs: RolloutInputs): RolloutWorld {
  const { name } = snapshot.authService.metadata
  const observed = colors.flatMap((color) => {
    const deployment = findChild<Deployment>(snapshot, 'Deployment', `${name}-${color}`)
    return deployment === undefined ? [] : [[color, observeColor(deployment, podsOfColor(snapshot, color))] as const]
  })
  const { scaling } = snapshot.resolved
  return {
    ...inputs,
    policy: policyOf(snapshot),
    scaling: scaling.kind === 'fixed' ? scaling : { kind: 'autoscaled', minReplicas: scaling.minReplicas },
    colors: Object.fromEntries(observed),
    serviceColor: colorOf(findChild<Service>(snapshot, 'Service', name)?.spec?.selector?.[colorLabel]),
    endpoints: countEndpoints(snapshot, name),
    previewEndpoints: countEndpoints(snapshot, `${name}-preview`),
    podRevisions: new Set(podsOf(snapshot, 'server').flatMap(({ metadata }) => metadata.labels?.[revisionLabel] ?? [])),
  }
}

/** What the spec says about rollouts. */
export function policyOf({ resolved: { rollout } }: Pick<Snapshot, 'resolved'>): RolloutPolicy {
  const { strategy, rollingUpdate, progressDeadlineSeconds, autoRollback, blueGreen, smokeTest, analysis } = rollout
  return {
    strategy,
    maxSurge: rollingUpdate.maxSurge,
    progressDeadlineSeconds,
    autoRollback,
    promotion: blueGreen.promotion,
    autoPromoteAfterSeconds: blueGreen.autoPromoteAfterSeconds,
    scaleDownDelaySeconds: blueGreen.scaleDownDelaySeconds,
    smokeTestEnabled: smokeTest.enabled,
    analysisEnabled: analysis.enabled,
    analysisWindowSeconds: analysis.windowSeconds,
  }
}

function observeColor({ metadata, spec, status = {} }: Deployment, pods: Snapshot['pods']): ObservedColor {
  // A quota, or a webhook, refused to have pods made. Whoever waits for pods is told so by nobody else.
  const refused = status.conditions?.find((one) => one.type === 'ReplicaFailure' && one.status === 'True')
  return {
    revision: spec?.template?.metadata?.labels?.[revisionLabel],
    replicas: spec?.replicas ?? 1,
    updatedReplicas: status.updatedReplicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
    totalReplicas: status.replicas ?? 0,
    trouble: refused?.message ?? (whyNotReady(pods) || undefined),
    current: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  }
}

function podsOfColor(snapshot: Snapshot, color: Color): Snapshot['pods'] {
  return podsOf(snapshot, 'server').filter(({ metadata }) => metadata.labels?.[colorLabel] === color)
}

/** Ready endpoints of a Service by colour. A pod is named after its Deployment, which is named after its colour. */
function countEndpoints({ endpointSlices, authService }: Snapshot, service: string): Record<Color, number> {
  const pods = endpointSlices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(readyPods)
  const count = (color: Color) =>
    new Set(pods.filter((pod) => pod.startsWith(`${authService.metadata.name}-${color}-`))).size
  return { blue: count('blue'), green: count('green') }
}

/** `ready` absent means ready. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions */
function readyPods({ endpoints = [] }: EndpointSlice): string[] {
  return endpoints.flatMap(({ conditions, targetRef }) =>
    conditions?.ready === false || targetRef?.name === undefined ? [] : [targetRef.name],
  )
}

/** Somebody may have edited the selector: only our own colours count. */
function colorOf(label: string | undefined): Color | undefined {
  return colors.find((color) => color === label)
}
