import type { OidcClientFile } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { AuthService } from '../api/schema.ts'
import type { AuthServiceKey } from '../model/auth-service-key.ts'
import type { IngressClass } from '../model/exposure.ts'
import type { Availabilities } from '../model/kinds.ts'
import type { Manifest } from '../model/manifest.ts'
import type { EndpointSlice, LabelledPod, PrometheusAnswer, ServerReports } from '../model/observed-objects.ts'
import type { CachedChild } from './cache/cache-transforms.ts'
import type { PodAddress } from './pod-poller.ts'

/** The clients of the servers of one AuthService. */
export interface ObservedClients {
  /** The file of the servers; undefined: none. */
  file: string | undefined
  /** The ready servers that receive requests, with the revision of the file that each has loaded. */
  servers: readonly LoadedClients[]
  /** IDs of clients that the file has no room for. */
  refused: readonly string[]
}

/** The clients that servers should have. */
export type WantedClients = Omit<OidcClientFile, 'version'>

/** Which file of clients a server has loaded. */
export interface LoadedClients {
  pod: string
  /** null: it is no OpenID provider; undefined: it does not say. */
  revision: string | null | undefined
}

/** The clients of all AuthServices. */
export type ClientSource = Pick<ClusterReader, 'oidcClients' | 'observeClients'>

/** A Secret with its values in base64, as the API server returns it. */
export type SecretManifest = Manifest & { data?: Record<string, string> }

/**
 * Reads the cluster. `cached` reads cost nothing and may be slightly out of date. Reads that return a promise are
 * requests: those to the API server throw KubeError if it rejects them.
 */
export interface ClusterReader {
  cachedAuthService(key: AuthServiceKey): AuthService | undefined
  /** Objects that the AuthService controls, by ownerReference. */
  cachedChildren(owner: AuthService): readonly CachedChild[]
  /** Identities of objects that have its labels and no controller. */
  cachedOrphans(owner: AuthService): readonly Manifest[]
  /** Excludes an object from `cachedOrphans` until it changes, because it does not belong to the operator. */
  refuseOrphan(owner: AuthService, object: Manifest): void
  /** Pods of all its workloads. */
  cachedPods(owner: AuthService): readonly LabelledPod[]
  /** Endpoints of the Services of its server. */
  cachedEndpointSlices(owner: AuthService): readonly EndpointSlice[]
  /** Which optional kinds can be used now. */
  availabilities(): Availabilities
  /** Empty if the operator has no permission to read them. */
  cachedIngressClasses(): readonly IngressClass[]
  /**
   * Admitted clients of its OpenID provider, oldest first, with the issuer of the ServiceAccounts that some of them
   * authenticate with; undefined: the operator cannot read AuthClients.
   * @param file the current file of its servers, from which clients stay that the operator has no room for
   */
  oidcClients(owner: AuthService, file: string | undefined): WantedClients | undefined
  /** Reports which clients its servers have, so that the AuthClients can say so. */
  observeClients(owner: AuthService, observed: ObservedClients, now: Date): void
  /** Sets which Secrets a spec names: a change of one of them leads to a reconcile. */
  expectSecrets(owner: AuthService, names: readonly string[]): void
  /**
   * Why an edge pod rejects this configuration; undefined while no pod is known to reject it. The pods are polled
   * outside of reconciles: a changed answer leads to a reconcile.
   */
  edgeRefusal(owner: AuthService, content: string, pods: readonly PodAddress[]): string | undefined
  /**
   * Reports of the server pods, polled in the same way.
   * @param clientsRevision of the file of OpenID clients that they should load; undefined: none
   */
  serverReports(owner: AuthService, pods: readonly PodAddress[], clientsRevision: string | undefined): ServerReports
  /** The current object of the API server; undefined if it does not exist. */
  readLive(object: Manifest): Promise<Manifest | undefined>
  readSecret(namespace: string, name: string): Promise<SecretManifest | undefined>
  readVolumeClaim(namespace: string, name: string): Promise<VolumeClaim | undefined>
  /** A page of text from a pod; undefined if the pod does not answer within a second, or the page is too long. */
  readFromPod(url: string, mostBytes: number): Promise<string | undefined>
  /** The result of an instant query from Prometheus, or why there is none within five seconds. */
  queryPrometheus(namespace: string, query: string): Promise<PrometheusAnswer>
}

/** The part of a v1 PersistentVolumeClaim that shows whether it is being deleted. */
export interface VolumeClaim {
  metadata: { deletionTimestamp?: string }
  spec?: { volumeName?: string }
}
