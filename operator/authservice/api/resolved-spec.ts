import type { IdentityProvider } from '@authservice-operator/contract/identity-provider-schema.ts'
import type { LogoutReceiver } from '@authservice-operator/contract/logout-receivers.ts'
import type { PagesFile } from '@authservice-operator/contract/pages-file.ts'
import type { EnvironmentTraits } from './environment-traits.ts'
import type { SecretKeyRef } from './fields.ts'
import type { Preset, ResourceList } from './presets.ts'
import type { AuthServiceSpec, Environment } from './spec.ts'
import type { Rate } from './units.ts'

type Present<T, K extends keyof T> = NonNullable<T[K]>
type PodSpec = Present<AuthServiceSpec, 'pod'>
type AutoscalingSpec = Present<AuthServiceSpec, 'autoscaling'>

/** A spec with every default filled in. `undefined` means that there is no value, not that a default applies. */
export interface ResolvedSpec {
  environment: Environment
  traits: EnvironmentTraits
  /** Tag of the server image; undefined: the operator's own. */
  version: string | undefined
  /** Full reference of the server image; overrides `version`. */
  image: string | undefined
  imagePullSecrets: { name: string }[]
  /**
   * `fixed`: the operator sets this count. `autoscaled`: a HorizontalPodAutoscaler sets the count, within its bounds.
   */
  scaling: FixedScaling | Autoscaling
  rollout: ResolvedRollout
  mongodb: ResolvedMongoDb
  redis: ResolvedRedis
  tokens: ResolvedTokens
  passwords: Preset['passwords']
  mfa: ResolvedMfa
  /** undefined: no OpenID provider. */
  oidc: ResolvedOidc | undefined
  /** Brand and texts of the pages of the OpenID provider. */
  pages: PagesFile
  /** Other providers at which users may log in. */
  identityProviders: readonly ResolvedIdentityProvider[]
  /** undefined: no mail. */
  mail: ResolvedMail | undefined
  /** undefined: no administrator is created. */
  initialAdmin: { email: string; passwordSecretRef: SecretKeyRef } | undefined
  /** undefined: no client may introspect or revoke tokens. */
  oauthClientsSecretRef: SecretKeyRef | undefined
  cookies: Preset['cookies']
  registration: Preset['registration']
  rateLimits: ResolvedRateLimits
  lockout: ResolvedLockout
  cors: { origins: string[] }
  ingress: ResolvedIngress
  /** Resources of a server pod. */
  resources: ResolvedResources
  jobs: ResolvedJobs
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

/** `Auto`: if the cluster has the required kinds. */
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
    /** undefined: the analysis uses the metrics of the pods. */
    prometheus: { query: string; min?: number; max?: number } | undefined
  }
}

/** The volume of a managed database. */
export interface ResolvedStorage {
  /** Quantity. */
  size: string
  /** undefined: the default class of the cluster. */
  storageClassName: string | undefined
  /** true: an emptyDir instead of a PersistentVolumeClaim. */
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
  /** Claims of users in access tokens. */
  accessTokenClaims: readonly string[]
  accessTokenLifetimeSeconds: number
  refreshTokenIdleLifetimeSeconds: number
  refreshTokenAbsoluteLifetimeSeconds: number
  refreshTokenGraceSeconds: number
  revocation: { maxStalenessSeconds: number; whenStale: Preset['tokens']['revocation']['whenStale'] }
  /** `generated`: the operator creates and rotates them. `provided`: the user does. */
  signingKeys:
    | { kind: 'generated'; rotationIntervalSeconds: number; activationDelaySeconds: number }
    | { kind: 'provided'; secretRef: SecretKeyRef }
}

/** Second factors of users. */
export interface ResolvedMfa {
  mode: Preset['mfa']['mode']
  /** With the mode `Optional`: roles whose users must have one. */
  requiredRoles: Preset['mfa']['requiredRoles']
  /** undefined: none. */
  gracePeriodSeconds: number | undefined
  /** undefined: the server shows the host of its issuer. */
  serviceName: string | undefined
  stepUpMaxAgeSeconds: number
  /** Whether users may enrol authenticator apps. */
  totpEnabled: boolean
  /** undefined: none. */
  passkeys: ResolvedPasskeys | undefined
  keyRotationIntervalSeconds: number
}

/** Passkeys of users. WebAuthn level 3. */
export interface ResolvedPasskeys {
  /** The domain that they belong to. */
  rpID: string
  /** Origins of pages, as browsers send them. */
  origins: readonly string[]
  /** Models of authenticators; undefined: all. */
  allowedAAGUIDs: readonly string[] | undefined
}

/** The OpenID provider. */
export interface ResolvedOidc {
  /** Namespaces whose AuthClients are accepted, besides that of the AuthService; `all`: every one. */
  clientNamespaces: 'all' | readonly string[]
  /** The only hosts to which servers send logout tokens. */
  logoutReceivers: readonly LogoutReceiver[]
  /** Certificates that servers trust for logout tokens, besides the public ones. */
  logoutCaSecretRef: SecretKeyRef | undefined
  keyRotationIntervalSeconds: number
}

/** Another provider at which users may log in. */
export interface ResolvedIdentityProvider {
  /** As the servers read it, without the secret. */
  entry: Omit<IdentityProvider, 'authentication'>
  clientSecretRef: SecretKeyRef
}

export interface ResolvedMail {
  smtp: {
    host: string
    port: number
    encryption: 'StartTLS' | 'TLS' | 'None'
    /** Both or none. */
    userSecretRef: SecretKeyRef | undefined
    passwordSecretRef: SecretKeyRef | undefined
    /** undefined: the public CAs. */
    caSecretRef: SecretKeyRef | undefined
  }
  from: string
  /** These contain `{token}`. */
  /** undefined: a page of the server. */
  passwordResetURL: string | undefined
  emailVerificationURL: string | undefined
  passwordResetLifetimeSeconds: number
  emailVerificationLifetimeSeconds: number
}

/** Rates as counts per second, minute or hour; `formatRate` converts them to the format of the server. */
export interface ResolvedRateLimits {
  perClient: Rate
  /** Requests beyond `perClient` that pass immediately. */
  burst: number
  login: Rate
  register: Rate
  refresh: Rate
  reset: Rate
  /** undefined: the same as `login`. */
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
  /** Networks that the proxies connect from, in CIDR notation; empty: any. */
  trustedProxies: string[]
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
  /** The user creates the Secret. */
  | { kind: 'provided'; secretName: string }
  /** cert-manager writes the Secret. */
  | { kind: 'issued'; secretName: string; issuerRef: { kind: 'Issuer' | 'ClusterIssuer'; name: string } }
  /** The operator creates the Secret. */
  | { kind: 'selfSigned'; secretName: string }
  /** None is named although one is required: `validate` reports this. */
  | { kind: 'missing' }

interface ResolvedJobs {
  /** Resources of all containers of Jobs and set-ups; undefined: each has its own defaults. */
  resources: AuthServiceSpec['resources']
  /** Labels and annotations of the pods of Jobs; those of `pod` are only for the servers. */
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ResolvedPod {
  labels: Record<string, string>
  annotations: Record<string, string>
  nodeSelector: Record<string, string>
  tolerations: Present<PodSpec, 'tolerations'>
  affinity: PodSpec['affinity'] | undefined
  /** undefined: that of the preset, see `traits.spread`. */
  topologySpreadConstraints: PodSpec['topologySpreadConstraints'] | undefined
  priorityClassName: string | undefined
  /** undefined: the ServiceAccount that the operator creates. */
  serviceAccountName: string | undefined
  terminationGracePeriodSeconds: number
}
