import type { ObservedPod } from './health.ts'

/** The part of a discovery.k8s.io/v1 EndpointSlice that shows the pods of a Service. */
export interface EndpointSlice {
  metadata: { name: string; labels?: Record<string, string> }
  endpoints?: { conditions?: { ready?: boolean; serving?: boolean }; targetRef?: { kind?: string; name?: string } }[]
}

export type LabelledPod = ObservedPod & { metadata: { labels?: Record<string, string> } }

/** Whether a server can reach a database; `failure` has host, port and error code of the last failed attempt. */
export interface DependencyReport {
  up: boolean
  failure?: string
}

/** What a server pod reports about itself at `/status`. */
export interface ServerReport {
  /** Why it should receive no requests; empty if it should. */
  problems: readonly string[]
  mongodb: DependencyReport
  redis: DependencyReport
  /** Whether any user has a second factor; undefined: the server does not know, or its image is too old to tell. */
  usersHaveSecondFactors?: boolean
  /** The same for passkeys. */
  usersHavePasskeys?: boolean
  /**
   * Revision of the file of OpenID clients that it has loaded; null: it is no OpenID provider; undefined: its version
   * does not report it.
   */
  oidcClients?: string | null
}

/** By pod. Does not include pods that do not respond, or whose image is too old to have `/status`. */
export type ServerReports = ReadonlyMap<string, ServerReport>

/** The `/metrics` of each running server pod, by pod name; undefined for a pod that did not respond in time. */
export type ServerMetrics = ReadonlyMap<string, string | undefined>

/** The result of a Prometheus query: the values of all series, or why there are none. */
export type PrometheusAnswer = { values: number[] } | { failure: string }

/** A PersistentVolumeClaim that is being deleted, and remains while a pod uses it. */
export interface TerminatingClaim {
  name: string
  /** The PersistentVolume of the claim; undefined while there is none. */
  volume: string | undefined
}
