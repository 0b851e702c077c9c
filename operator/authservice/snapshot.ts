import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { AuthService } from './api/schema.ts'
import type { Manifest } from './apply/plan.ts'
import type { EndpointSlice, LabelledPod } from './cluster.ts'
import type { Front } from './front.ts'
import type { LoadedKeys } from './loaded-keys.ts'
import { componentLabel } from './resources/metadata.ts'
import type { PrometheusAnswer } from './rollout/prometheus.ts'
import type { SecretData } from './secrets/secret-data.ts'
import type { ServerMetrics } from './server-metrics.ts'

/** All that one visit to an AuthService sees. Everything is decided on it, so nothing changes halfway. */
export interface Snapshot {
  authService: AuthService
  resolved: ResolvedSpec
  /** Live objects that the AuthService controls. */
  children: readonly Manifest[]
  pods: readonly LabelledPod[]
  /** Which pods its Services lead to. */
  endpointSlices: readonly EndpointSlice[]
  front: Front
  /** Why an Nginx pod does not take the configuration up that the spec asks for; undefined while none is known to refuse it. */
  edgeRefusal: string | undefined
  /** The operator's own Secrets that exist, decoded, by name. */
  ownSecrets: ReadonlyMap<string, SecretData>
  /** Secrets that the spec names and that exist, decoded, by name. */
  referencedSecrets: ReadonlyMap<string, SecretData>
  /** What the server pods count; undefined while nothing is judged by it, for then nobody asks. */
  serverMetrics: ServerMetrics | undefined
  /** What Prometheus said to the query of the spec; undefined while nothing is judged by it, for then nobody asks. */
  prometheus: PrometheusAnswer | undefined
  /** What the server pods know of the signing keys; undefined while nothing waits for them, for then nobody asks. */
  loadedKeys: LoadedKeys | undefined
  /** Volume of the managed MongoDB that is there without the Secret that opens it. */
  orphanedVolume: string | undefined
  /** Volume of a managed MongoDB that the spec no longer asks for, while the Secret that opens it is there. */
  keptVolume: string | undefined
  /** PersistentVolumeClaim of the backups that is named and is not there. */
  missingBackupVolume: string | undefined
}

/**
 * The child of a kind and name.
 * @typeParam T the shape that the kind has by the Kubernetes API
 */
export function findChild<T extends Manifest>(
  { children }: Pick<Snapshot, 'children'>,
  kind: Manifest['kind'],
  name: string,
): T | undefined {
  // A kind has one shape; the caller names the one that goes with the kind.
  return children.find((child) => child.kind === kind && child.metadata.name === name) as T | undefined
}

/** The pods of one Job, by a label of the Job controller. @see https://kubernetes.io/docs/concepts/workloads/controllers/job/ */
export function podsOfJob({ pods }: Pick<Snapshot, 'pods'>, job: string): LabelledPod[] {
  return pods.filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job)
}

/** The pods of one component, such as `redis`. */
export function podsOf({ pods }: Pick<Snapshot, 'pods'>, component: string): LabelledPod[] {
  return pods.filter(({ metadata }) => metadata.labels?.[componentLabel] === component)
}
