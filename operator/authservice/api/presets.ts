import type { Environment } from './spec.ts'

/**
 * The defaults of omitted fields, in the form of a spec. The reference shows these values, and `resolveSpec` fills them
 * in; the CustomResourceDefinition has no defaults, so that the stored spec equals the one in a Git repository.
 */
export interface Preset {
  replicas: number
  autoscaling: { enabled: boolean; minReplicas: number; maxReplicas: number; targetCPUUtilizationPercentage: number }
  rollout: {
    strategy: 'RollingUpdate' | 'BlueGreen'
    progressDeadlineSeconds: number
    minReadySeconds: number
    autoRollback: boolean
    revisionHistoryLimit: number
    rollingUpdate: { maxUnavailable: number | string; maxSurge: number | string }
    blueGreen: { promotion: 'Auto' | 'Manual'; autoPromoteAfterSeconds: number; scaleDownDelaySeconds: number }
    smokeTest: { enabled: boolean; timeoutSeconds: number }
    analysis: {
      enabled: boolean
      windowSeconds: number
      maxErrorRatePercent: number
      maxP99LatencyMilliseconds: number
      minLoginSuccessPercent: number
      minRequests: number
    }
  }
  mongodb: {
    database: string
    usersCollection: string
    pool: { minSize: number; maxSize: number }
    readPreference: 'primary' | 'primaryPreferred' | 'secondaryPreferred' | 'nearest'
    managed: { resources: Resources }
  }
  redis: { managed: { resources: Resources } }
  tokens: {
    algorithm: 'ES256' | 'EdDSA' | 'HS256'
    accessTokenLifetime: string
    refreshTokenIdleLifetime: string
    refreshTokenAbsoluteLifetime: string
    refreshTokenGrace: string
    signingKeys: { rotationInterval: string; activationDelay: string }
    revocation: { maxStaleness: string; whenStale: 'Refuse' | 'Accept' }
  }
  passwords: { bcryptCost: number; minLength: number; words: readonly string[] }
  mfa: {
    mode: 'Disabled' | 'Optional' | 'Required'
    requiredRoles: readonly ('admin' | 'user')[]
    stepUpMaxAge: string
    totp: { enabled: boolean }
    passkeys: { enabled: boolean }
    encryptionKeys: { rotationInterval: string }
  }
  oidc: {
    enabled: boolean
    clientNamespaces: { from: 'Same' | 'All' | 'Names' }
    signingKeys: { rotationInterval: string }
  }
  mail: { passwordResetLifetime: string; emailVerificationLifetime: string }
  cookies: { enabled: boolean; sameSite: 'Strict' | 'Lax' | 'None' }
  tracing: { samplePercent: number }
  registration: { disclosure: 'Open' | 'Hidden' }
  logs: { level: 'Debug' | 'Info' | 'Warn' | 'Error'; requests: 'All' | 'Failed' | 'None' }
  securityEvents: { retention: string }
  rateLimits: {
    perClient: string
    burst: number
    login: string
    register: string
    refresh: string
    reset: string
    mail: string
    emailVerification: string
    sensitive: string
    profile: string
    admin: string
  }
  lockout: {
    failures: number
    firstLock: string
    longestLock: string
    forgetAfter: string
    knownDeviceLifetime: string
  }
  cors: { origins: string[] }
  ingress: {
    type: 'Nginx' | 'Ingress' | 'Gateway' | 'None'
    nginx: { replicas: number; serviceType: 'LoadBalancer' | 'NodePort' | 'ClusterIP'; resources: Resources }
  }
  resources: Resources
  pod: { terminationGracePeriodSeconds: number }
  networkPolicy: { enabled: boolean }
}

/** Quantities of the resources of a container. */
interface Resources {
  requests: ResourceList
  limits: ResourceList
}
export type ResourceList = { cpu?: string; memory?: string; 'ephemeral-storage'?: string }

const memory = (request: string, limit: string, cpu: string): Resources => ({
  requests: { cpu, memory: request },
  limits: { memory: limit },
})

/** No CPU limits: a throttled password hash delays every other request of its pod. */
const server: Record<Environment, Resources> = {
  development: memory('128Mi', '224Mi', '50m'),
  staging: memory('160Mi', '256Mi', '100m'),
  production: memory('192Mi', '320Mi', '250m'),
}

const autoscaling = (enabled: boolean, minReplicas: number, maxReplicas: number) => ({
  enabled,
  minReplicas,
  maxReplicas,
  targetCPUUtilizationPercentage: 70,
})

/**
 * Every request passes through an edge pod: with a smaller CPU share than a server on a busy node, the edge would delay
 * all of them.
 */
const edge: Record<Environment, Resources> = {
  development: memory('32Mi', '256Mi', '50m'),
  // A connection with an incomplete request takes 40 KB: the maximum number of connections must not exceed the memory
  // limit.
  staging: memory('32Mi', '1Gi', '100m'),
  production: memory('32Mi', '1Gi', '100m'),
}

/** The values that differ between environments. */
const differences = {
  development: {
    replicas: 1,
    autoscaling: autoscaling(false, 1, 3),
    strategy: 'RollingUpdate',
    analysis: false,
    pool: { minSize: 2, maxSize: 10 },
    origins: ['*'],
    edgeReplicas: 1,
    serviceType: 'ClusterIP',
    tracedPercent: 100,
    networkPolicy: false,
  },
  staging: {
    replicas: 2,
    autoscaling: autoscaling(true, 2, 6),
    strategy: 'BlueGreen',
    analysis: false,
    pool: { minSize: 10, maxSize: 50 },
    origins: [],
    edgeReplicas: 2,
    serviceType: 'LoadBalancer',
    tracedPercent: 100,
    networkPolicy: true,
  },
  production: {
    replicas: 3,
    autoscaling: autoscaling(true, 3, 20),
    strategy: 'BlueGreen',
    analysis: true,
    pool: { minSize: 10, maxSize: 50 },
    origins: [],
    edgeReplicas: 2,
    serviceType: 'LoadBalancer',
    tracedPercent: 10,
    networkPolicy: true,
  },
} as const

/** The values of the fields that a spec of this environment omits. */
export function presetOf(environment: Environment): Preset {
  const of = differences[environment]
  return {
    replicas: of.replicas,
    autoscaling: of.autoscaling,
    rollout: rolloutOf(environment),
    mongodb: {
      database: 'auth',
      usersCollection: 'users',
      pool: of.pool,
      readPreference: 'primary',
      managed: { resources: memory('256Mi', '768Mi', '100m') },
    },
    redis: { managed: { resources: memory('64Mi', '256Mi', '50m') } },
    tokens: {
      algorithm: 'ES256',
      accessTokenLifetime: '15m',
      refreshTokenIdleLifetime: '7d',
      refreshTokenAbsoluteLifetime: '30d',
      refreshTokenGrace: '10s',
      signingKeys: { rotationInterval: '90d', activationDelay: '5m' },
      revocation: { maxStaleness: '30s', whenStale: 'Refuse' },
    },
    passwords: { bcryptCost: 12, minLength: 12, words: [] },
    // An upgrade of the operator must not turn second factors on. Decision 60.
    mfa: {
      mode: 'Disabled',
      requiredRoles: environment === 'production' ? ['admin'] : [],
      stepUpMaxAge: '15m',
      totp: { enabled: true },
      passkeys: { enabled: false },
      encryptionKeys: { rotationInterval: '365d' },
    },
    oidc: { enabled: false, clientNamespaces: { from: 'Same' }, signingKeys: { rotationInterval: '90d' } },
    mail: { passwordResetLifetime: '30m', emailVerificationLifetime: '24h' },
    cookies: { enabled: false, sameSite: 'Strict' },
    tracing: { samplePercent: of.tracedPercent },
    registration: { disclosure: 'Open' },
    logs: {
      level: environment === 'development' ? 'Debug' : 'Info',
      requests: environment === 'production' ? 'Failed' : 'All',
    },
    securityEvents: { retention: '90d' },
    rateLimits: {
      perClient: '100/s',
      burst: 200,
      login: '10/m',
      register: '5/m',
      refresh: '30/m',
      reset: '5/h',
      mail: '5/h',
      emailVerification: '20/m',
      sensitive: '10/m',
      profile: '120/m',
      admin: '600/m',
    },
    lockout: { failures: 5, firstLock: '1s', longestLock: '15m', forgetAfter: '15m', knownDeviceLifetime: '180d' },
    cors: { origins: [...of.origins] },
    ingress: {
      type: 'Nginx',
      nginx: { replicas: of.edgeReplicas, serviceType: of.serviceType, resources: edge[environment] },
    },
    resources: server[environment],
    pod: { terminationGracePeriodSeconds: 45 },
    networkPolicy: { enabled: of.networkPolicy },
  }
}

function rolloutOf(environment: Environment): Preset['rollout'] {
  const of = differences[environment]
  return {
    strategy: of.strategy,
    progressDeadlineSeconds: 600,
    minReadySeconds: 5,
    autoRollback: true,
    revisionHistoryLimit: 5,
    rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' },
    blueGreen: { promotion: 'Auto', autoPromoteAfterSeconds: 0, scaleDownDelaySeconds: 300 },
    smokeTest: { enabled: of.strategy === 'BlueGreen', timeoutSeconds: 120 },
    analysis: {
      enabled: of.analysis,
      windowSeconds: 60,
      maxErrorRatePercent: 5,
      maxP99LatencyMilliseconds: 500,
      minLoginSuccessPercent: 90,
      minRequests: 20,
    },
  }
}
