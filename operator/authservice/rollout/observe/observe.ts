import { type Color, colors } from '../../model/colors.ts'
import type { Deployment } from '../../model/deployment.ts'
import { workloadProblem } from '../../model/health.ts'
import { colorLabel, revisionLabel } from '../../model/labels.ts'
import type { Manifest } from '../../model/manifest.ts'
import type { EndpointSlice } from '../../model/observed-objects.ts'
import { findChild, podsOf, type Snapshot } from '../../model/snapshot.ts'
import type { ObservedColor, RolloutActions, RolloutObservation, RolloutPolicy } from '../decide/observation.ts'

type Service = Manifest & { spec?: { selector?: Record<string, string> } }

/** Inputs of a rollout that are not in the snapshot. */
export interface RolloutInputs {
  /** Hash of the pod template of the spec. */
  specRevision: string
  knownRevisions: ReadonlySet<string>
  actions: RolloutActions
  migration: RolloutObservation['migration']
  contraction: RolloutObservation['contraction']
  smokeTest: RolloutObservation['smokeTest']
  analysis: RolloutObservation['analysis']
  unavailableDatabases: RolloutObservation['unavailableDatabases']
  acquireSlot: RolloutObservation['acquireSlot']
}

/** Derives the input of a rollout decision from a snapshot. */
export function observeRollout(snapshot: Snapshot, inputs: RolloutInputs): RolloutObservation {
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

/** The rollout settings of the spec. */
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
  return {
    revision: spec?.template?.metadata?.labels?.[revisionLabel],
    replicas: spec?.replicas ?? 1,
    updatedReplicas: status.updatedReplicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
    totalReplicas: status.replicas ?? 0,
    problem: workloadProblem({ metadata, ...(spec && { spec }), status }, pods),
    current: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  }
}

function podsOfColor(snapshot: Snapshot, color: Color): Snapshot['pods'] {
  return podsOf(snapshot, 'server').filter(({ metadata }) => metadata.labels?.[colorLabel] === color)
}

/**
 * Ready endpoints of a Service by colour. The name of a pod begins with that of its Deployment, which contains the
 * colour.
 */
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

/** Another client may have edited the selector: only our colours count. */
function colorOf(label: string | undefined): Color | undefined {
  return colors.find((color) => color === label)
}
