import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthService } from '../api/schema.ts'
import type { Exposure } from './exposure.ts'
import { componentLabel } from './labels.ts'
import type { LoadedKeys } from './loaded-keys.ts'
import type { Manifest } from './manifest.ts'
import type {
  EndpointSlice,
  LabelledPod,
  PrometheusAnswer,
  ServerMetrics,
  ServerReports,
  TerminatingClaim,
} from './observed-objects.ts'
import type { SecretData } from './secret-data.ts'

/**
 * Everything that one reconcile of an AuthService sees. All decisions are based on it, so nothing changes between them.
 */
export interface Snapshot {
  authService: AuthService
  /** Time of the observation. */
  observedAt: Date
  resolved: ResolvedSpec
  /** Live objects that the AuthService controls. */
  children: readonly Manifest[]
  /** Identities of objects that have its labels and no controller. */
  orphans: readonly Manifest[]
  pods: readonly LabelledPod[]
  /** The pods that its Services select. */
  endpointSlices: readonly EndpointSlice[]
  exposure: Exposure
  /** Why an Nginx pod does not use the configuration of the spec; undefined if no pod is known to have rejected it. */
  edgeRefusal: string | undefined
  /** The existing Secrets of the operator, decoded, by name. */
  ownSecrets: ReadonlyMap<string, SecretData>
  /** The existing Secrets that the spec names, decoded, by name. */
  referencedSecrets: ReadonlyMap<string, SecretData>
  /** Which databases the server pods can reach. */
  serverReports: ServerReports
  /** Metrics of the server pods; undefined if no analysis needs them, because the operator then does not read them. */
  serverMetrics: ServerMetrics | undefined
  /** The result of the Prometheus query in the spec; undefined if no analysis needs it. */
  prometheus: PrometheusAnswer | undefined
  /** The signing keys that the server pods have loaded; undefined if no key waits for them. */
  loadedKeys: LoadedKeys | undefined
  /** Revision of the file of OpenID clients in the Secret; undefined: it is no OpenID provider, or has no file yet. */
  clientsRevision: string | undefined
  /** The clients of its OpenID provider; undefined: the operator cannot read AuthClients. */
  oidcClients: { count: number; content: string } | undefined
  /** Volume of a managed MongoDB that the spec no longer requires, while the Secret that opens it exists. */
  keptVolume: string | undefined
  /** PersistentVolumeClaim for backups that the spec names and that does not exist. */
  missingBackupVolume: string | undefined
  /** Claims that each reconcile reads, because they are not watched. */
  readClaims: readonly string[]
  /** Claims with irreplaceable data that are being deleted. */
  terminatingClaims: readonly TerminatingClaim[]
}

/**
 * The child of a kind and name.
 * @typeParam T the shape that the Kubernetes API defines for the kind
 */
export function findChild<T extends Manifest>(
  { children }: Pick<Snapshot, 'children'>,
  kind: Manifest['kind'],
  name: string,
): T | undefined {
  // A kind has one shape, which the caller names.
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
