import type { AuthService, AuthServiceStatus } from './api/schema.ts'
import type { ChildWriter } from './apply/apply.ts'
import type { Manifest } from './apply/plan.ts'
import type { EdgePod } from './edge-reports.ts'
import type { IngressClass } from './front.ts'
import type { ObservedPod } from './health.ts'
import type { Availabilities } from './kinds.ts'
import type { PrometheusAnswer } from './rollout/prometheus.ts'

/** Names an AuthService. */
export interface AuthServiceKey {
  namespace: string
  name: string
}

/** A Secret with its values in base64, as the API server returns it. */
export type SecretManifest = Manifest & { data?: Record<string, string> }

/** An event about an AuthService: one transition, for `kubectl describe`. */
export interface Announcement {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

/**
 * What reconciling needs of a cluster. `cached` reads cost nothing and may lag behind by a moment; everything else is
 * a request.
 */
export interface Cluster extends ChildWriter {
  cachedAuthService(key: AuthServiceKey): AuthService | undefined
  /** Objects that the AuthService controls, by ownerReference. */
  cachedChildren(owner: AuthService): readonly Manifest[]
  /** Pods of all its workloads. */
  cachedPods(owner: AuthService): readonly LabelledPod[]
  /** Which of the kinds that a cluster may lack can be used now. */
  availabilities(): Availabilities
  /** Empty where they may not be read. */
  cachedIngressClasses(): readonly IngressClass[]
  /** Endpoints of the Services of its server. */
  cachedEndpointSlices(owner: AuthService): readonly EndpointSlice[]
  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined>
  /**
   * Why an edge pod refuses the configuration that it is to run; undefined while none is known to. Asked beside the
   * visits: news of it is a reason to look again.
   */
  edgeRefusal(owner: AuthService, content: string, pods: readonly EdgePod[]): string | undefined
  volumeClaimExists(namespace: string, name: string): Promise<boolean>
  /** A page of text from a pod; undefined when it does not answer within a second. */
  readFromPod(url: string): Promise<string | undefined>
  /** What Prometheus says to an instant query; why nothing when it does not answer within five seconds. */
  askPrometheus(namespace: string, query: string): Promise<PrometheusAnswer>
  /** Writes a count through the `scale` subresource, so that applying a Deployment never touches it. */
  scale(deployment: { namespace: string; name: string }, replicas: number): Promise<void>
  writeStatus(authService: AuthService, status: AuthServiceStatus): Promise<void>
  announce(about: AuthService, announcement: Announcement): void
}

/** The part of a discovery.k8s.io/v1 EndpointSlice that tells which pods a Service leads to. */
export interface EndpointSlice {
  metadata: { name: string; labels?: Record<string, string> }
  endpoints?: { conditions?: { ready?: boolean; serving?: boolean }; targetRef?: { kind?: string; name?: string } }[]
}

export type LabelledPod = ObservedPod & { metadata: { labels?: Record<string, string> } }
