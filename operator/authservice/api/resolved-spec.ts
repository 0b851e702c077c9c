import type { SecretKeyRef } from './fields.ts'
import type { EnvironmentTraits, Preset, ResourceList } from './presets.ts'
import type { AuthServiceSpec, Environment } from './spec.ts'
import type { Rate } from './units.ts'

type Present<T, K extends keyof T> = NonNullable<T[K]>
type PodSpec = Present<AuthServiceSpec, 'pod'>
type AutoscalingSpec = Present<AuthServiceSpec, 'autoscaling'>

/** A spec with every default filled in. What is `undefined` here has no value at all, rather than a default. */
export interface ResolvedSpec {
  environment: Environment
  traits: EnvironmentTraits
  /** Tag of the server image; undefined: the operator's own. */
  version: string | undefined
  /** Full reference of the server image; wins over `version`. */
  image: string | undefined
  imagePullSecrets: { name: string }[]
  /** `fixed`: the operator keeps this count. `autoscaled`: a HorizontalPodAutoscaler does, within its bounds. */
  scaling: FixedScaling | Autoscaling
  rollout: ResolvedRollout
  mongodb: ResolvedMongoDb
  redis: ResolvedRedis
  tokens: ResolvedTokens
  passwords: Preset['passwords']
  /** undefined: no mails. */
  mail: ResolvedMail | undefined
  /** undefined: none is made. */
  initialAdmin: { email: string; passwordSecretRef: SecretKeyRef } | undefined
  /** undefined: no client may introspect or revoke. */
  oauthClientsSecretRef: SecretKeyRef | undefined
  cookies: Preset['cookies']
  registration: Preset['registration']
  rateLimits: ResolvedRateLimits
  lockout: ResolvedLockout
  cors: { origins: string[] }
  ingress: ResolvedIngress
  /** Resources of a server pod. */
  resources: ResolvedResources
  pod: ResolvedPod
  networkPolicy: { enabled: boolean; allowFrom: Present<Present<AuthServiceSpec, 'networkPolicy'>, 'allowFrom'> }
  monitoring: ResolvedMonitoring
  logs: Preset['logs']
  securityEvents: { retentionSeconds: number }
  /** undefined: no traces. */
  tracing: { otlpEndpoint: string; serviceName: string; samplePercent: number } | undefined
  /** undefined: no backups. */
  backup: { schedule: string; keep: number; claimName: string } | undefined
  suspend: boolean
}

/** `Auto`: where the cluster has what it takes. */
export type ResolvedMonitoring = Required<Present<AuthServiceSpec, 'monitoring'>>

export interface FixedScaling {
  kind: 'fixed'
  replicas: number
}

export interface Autoscaling {
  kind: 'autoscaled'
  minReplicas: number
  maxReplicas: number
  targetCPUUtilizationPercentage: number
  behavior: AutoscalingSpec['behavior'] | undefined
}

export interface ResolvedResources {
  requests: ResourceList
  limits: ResourceList
}

export type ResolvedRollout = Omit<Preset['rollout'], 'blueGreen' | 'analysis'> & {
  blueGreen: Preset['rollout']['blueGreen'] & { previewHost: string | undefined }
  analysis: Preset['rollout']['analysis'] & {
    /** undefined: the metrics of the pods are judged. */
    prometheus: { query: string; min?: number; max?: number } | undefined
  }
}

/** The volume of a managed database. */
export interface ResolvedStorage {
  /** Quantity. */
  size: string
  /** undefined: the cluster's default class. */
  storageClassName: string | undefined
  /** True: an emptyDir instead of a PersistentVolumeClaim. */
  ephemeral: boolean
}

export interface ResolvedMongoDb {
  source:
    | { kind: 'external'; urlSecretRef: SecretKeyRef; caSecretRef: SecretKeyRef | undefined }
    | { kind: 'managed'; storage: ResolvedStorage; resources: ResolvedResources }
  database: string
  usersCollection: string
  pool: { minSize: number; maxSize: number }
  readPreference: Preset['mongodb']['readPreference']
}

export type ResolvedRedis =
  | {
      kind: 'external'
      host: string
      port: number
      passwordSecretRef: SecretKeyRef | undefined
      tls: { enabled: boolean; caSecretRef: SecretKeyRef | undefined }
    }
  | { kind: 'managed'; storage: ResolvedStorage; resources: ResolvedResources }

export interface ResolvedTokens {
  algorithm: 'ES256' | 'EdDSA' | 'HS256'
  issuer: string
  audience: string
  accessTokenLifetimeSeconds: number
  refreshTokenIdleLifetimeSeconds: number
  refreshTokenAbsoluteLifetimeSeconds: number
  revocation: { maxStalenessSeconds: number; whenStale: Preset['tokens']['revocation']['whenStale'] }
  /** `generated`: the operator makes and rotates them. `provided`: the user does. */
  signingKeys:
    | { kind: 'generated'; rotationIntervalSeconds: number; activationDelaySeconds: number }
    | { kind: 'provided'; secretRef: SecretKeyRef }
}

export interface ResolvedMail {
  smtp: {
    host: string
    port: number
    encryption: 'StartTLS' | 'TLS' | 'None'
    /** Both or none. */
    userSecretRef: SecretKeyRef | undefined
    passwordSecretRef: SecretKeyRef | undefined
    /** undefined: the public authorities. */
    caSecretRef: SecretKeyRef | undefined
  }
  from: string
  /** With `{token}` in them. */
  passwordResetURL: string
  emailVerificationURL: string
  passwordResetLifetimeSeconds: number
  emailVerificationLifetimeSeconds: number
}

/** Rates as counts per second, minute or hour; `formatRate` writes them the way the server reads them. */
export interface ResolvedRateLimits {
  perClient: Rate
  /** Requests beyond `perClient` at once. */
  burst: number
  login: Rate
  register: Rate
  refresh: Rate
  reset: Rate
  /** Of these three undefined: as `login`. */
  loginPerAccount: Rate | undefined
  loginPerPair: Rate | undefined
  loginPerKnownDevice: Rate | undefined
  mail: Rate
  emailVerification: Rate
  sensitive: Rate
  profile: Rate
  admin: Rate
}

export interface ResolvedLockout {
  failures: number
  firstLockSeconds: number
  longestLockSeconds: number
  forgetAfterSeconds: number
  knownDeviceLifetimeSeconds: number
}

export interface ResolvedIngress {
  type: 'Nginx' | 'Ingress' | 'Gateway' | 'None'
  host: string
  tls: ResolvedTls
  trustedProxyHops: number
  nginx: {
    replicas: number
    serviceType: 'LoadBalancer' | 'NodePort' | 'ClusterIP'
    /** undefined: the cluster chooses. */
    nodePort: number | undefined
    resources: ResolvedResources
  }
  /** Of the Ingress; undefined: the cluster's default. */
  className: string | undefined
  /** Of the Ingress. */
  annotations: Record<string, string>
  /** Gateways that the HTTPRoute attaches to. */
  parentRefs: { name: string; namespace?: string; sectionName?: string }[]
}

export type ResolvedTls =
  /** A Secret that the user fills. */
  | { kind: 'provided'; secretName: string }
  /** A Secret that cert-manager fills. */
  | { kind: 'issued'; secretName: string; issuerRef: { kind: 'Issuer' | 'ClusterIssuer'; name: string } }
  /** A Secret that the operator fills. */
  | { kind: 'selfSigned'; secretName: string }
  /** None named where one is needed: `validate` says so. */
  | { kind: 'missing' }

export interface ResolvedPod {
  labels: Record<string, string>
  annotations: Record<string, string>
  nodeSelector: Record<string, string>
  tolerations: Present<PodSpec, 'tolerations'>
  affinity: PodSpec['affinity'] | undefined
  /** undefined: the preset's, see `traits.spread`. */
  topologySpreadConstraints: PodSpec['topologySpreadConstraints'] | undefined
  priorityClassName: string | undefined
  /** undefined: the ServiceAccount that the operator makes. */
  serviceAccountName: string | undefined
  terminationGracePeriodSeconds: number
}
