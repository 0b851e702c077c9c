import { resolveLockout, resolveMail, resolveRateLimits } from './account-defaults.ts'
import { hostPattern } from './fields.ts'
import { type Preset, presetOf, type ResourceList, traitsOf } from './presets.ts'
import type {
  Autoscaling,
  FixedScaling,
  ResolvedIngress,
  ResolvedMongoDb,
  ResolvedPod,
  ResolvedRedis,
  ResolvedResources,
  ResolvedRollout,
  ResolvedSpec,
  ResolvedStorage,
  ResolvedTls,
  ResolvedTokens,
} from './resolved-spec.ts'
import type { AuthService, AuthServiceSpec, Environment } from './schema.ts'
import { volumeSizes } from './spec/databases.ts'
import { parseDuration } from './units.ts'

/** What a spec is resolved from. Some defaults are made from the name. */
export type SpecSource = { metadata: Pick<AuthService['metadata'], 'name' | 'namespace'>; spec: AuthServiceSpec }

const defaultEnvironment: Environment = 'development'

/**
 * Fills every field that the spec leaves out with the preset of its environment, and durations with seconds.
 * Pure, and total for every spec that the CustomResourceDefinition admits.
 */
export function resolveSpec({ metadata, spec }: SpecSource): ResolvedSpec {
  const environment = spec.environment ?? defaultEnvironment
  const preset = presetOf(environment)
  const traits = traitsOf(environment)
  const host = spec.ingress?.host ?? hostOf(spec.tokens?.issuer) ?? fallbackHost(environment, metadata)

  return {
    environment,
    traits,
    version: spec.version,
    image: spec.image,
    imagePullSecrets: spec.imagePullSecrets ?? [],
    scaling: resolveScaling(spec, preset),
    rollout: resolveRollout(spec.rollout, preset.rollout),
    mongodb: resolveMongoDb(spec.mongodb, preset.mongodb),
    redis: resolveRedis(spec.redis, preset.redis),
    tokens: resolveTokens(spec.tokens, preset.tokens, host),
    passwords: { ...preset.passwords, ...spec.passwords },
    mail: resolveMail(spec.mail, preset.mail),
    registration: { ...preset.registration, ...spec.registration },
    initialAdmin: spec.initialAdmin,
    oauthClientsSecretRef: spec.oauth?.clientsSecretRef,
    cookies: { ...preset.cookies, ...spec.cookies },
    rateLimits: resolveRateLimits({ ...preset.rateLimits, ...spec.rateLimits }),
    lockout: resolveLockout(spec.lockout, preset.lockout),
    logs: { ...preset.logs, ...spec.logs },
    securityEvents: {
      retentionSeconds: parseDuration(spec.securityEvents?.retention ?? preset.securityEvents.retention),
    },
    cors: { origins: spec.cors?.origins ?? preset.cors.origins },
    ingress: resolveIngress(spec.ingress, preset.ingress, {
      host,
      ownSecretName: traits.selfSignedCertificate ? `${metadata.name}-edge-tls` : undefined,
    }),
    resources: resolveResources(spec.resources, preset.resources),
    pod: resolvePod(spec.pod, preset.pod),
    networkPolicy: {
      enabled: spec.networkPolicy?.enabled ?? preset.networkPolicy.enabled,
      allowFrom: spec.networkPolicy?.allowFrom ?? [],
    },
    monitoring: { podMonitor: 'Auto', prometheusRule: 'Auto', dashboard: 'Auto', ...spec.monitoring },
    tracing: spec.tracing && {
      ...preset.tracing,
      serviceName: `${metadata.name}.${metadata.namespace}`,
      ...spec.tracing,
    },
    backup: resolveBackup(spec.backup),
    suspend: spec.suspend ?? false,
  }
}

/** Host name of a URL, without the port; undefined where it is none that the schema admits as a host. */
function hostOf(url: string | undefined): string | undefined {
  const host = url === undefined ? undefined : /^https?:\/\/([^/:]+)/.exec(url)?.[1]?.toLowerCase()
  return host !== undefined && new RegExp(hostPattern).test(host) ? host : undefined
}

function fallbackHost(environment: Environment, { name, namespace }: SpecSource['metadata']): string {
  return environment === 'development' ? `${name}.localhost` : `${name}-edge.${namespace}.svc`
}

function resolveScaling(spec: AuthServiceSpec, preset: Preset): FixedScaling | Autoscaling {
  const { enabled = preset.autoscaling.enabled, minReplicas, maxReplicas, ...rest } = spec.autoscaling ?? {}
  if (!enabled) return { kind: 'fixed', replicas: spec.replicas ?? preset.replicas }

  const bounds = orderedBounds(minReplicas, maxReplicas, preset.autoscaling.minReplicas, preset.autoscaling.maxReplicas)
  return {
    kind: 'autoscaled',
    minReplicas: bounds.low,
    maxReplicas: bounds.high,
    targetCPUUtilizationPercentage:
      rest.targetCPUUtilizationPercentage ?? preset.autoscaling.targetCPUUtilizationPercentage,
    behavior: rest.behavior,
  }
}

/** A bound that is left out gives way to the one that is written, so that a preset never contradicts a spec. */
function orderedBounds(low: number | undefined, high: number | undefined, presetLow: number, presetHigh: number) {
  if (low !== undefined) return { low, high: high ?? Math.max(presetHigh, low) }
  if (high !== undefined) return { low: Math.min(presetLow, high), high }
  return { low: presetLow, high: presetHigh }
}

function resolveRollout(rollout: AuthServiceSpec['rollout'], preset: Preset['rollout']): ResolvedRollout {
  return {
    ...preset,
    ...rollout,
    rollingUpdate: { ...preset.rollingUpdate, ...rollout?.rollingUpdate },
    blueGreen: { ...preset.blueGreen, previewHost: undefined, ...rollout?.blueGreen },
    smokeTest: { ...preset.smokeTest, ...rollout?.smokeTest },
    analysis: { ...preset.analysis, prometheus: undefined, ...rollout?.analysis },
  }
}

function resolveMongoDb(mongodb: AuthServiceSpec['mongodb'], preset: Preset['mongodb']): ResolvedMongoDb {
  const { external, managed, pool } = mongodb
  const bounds = orderedBounds(pool?.minSize, pool?.maxSize, preset.pool.minSize, preset.pool.maxSize)
  return {
    source: external
      ? { kind: 'external', urlSecretRef: external.urlSecretRef, caSecretRef: external.caSecretRef }
      : {
          kind: 'managed',
          storage: resolveStorage(managed?.storage, volumeSizes.mongodb),
          resources: resolveResources(managed?.resources, preset.managed.resources),
        },
    database: mongodb.database ?? preset.database,
    usersCollection: mongodb.usersCollection ?? preset.usersCollection,
    pool: { minSize: bounds.low, maxSize: bounds.high },
    readPreference: mongodb.readPreference ?? preset.readPreference,
  }
}

function resolveRedis({ external, managed }: AuthServiceSpec['redis'], preset: Preset['redis']): ResolvedRedis {
  if (external) {
    const { tls } = external
    return {
      kind: 'external',
      host: external.host,
      port: external.port ?? 6379,
      passwordSecretRef: external.passwordSecretRef,
      tls: { enabled: tls !== undefined && (tls.enabled ?? true), caSecretRef: tls?.caSecretRef },
    }
  }
  return {
    kind: 'managed',
    storage: resolveStorage(managed?.storage, volumeSizes.redis),
    resources: resolveResources(managed?.resources, preset.managed.resources),
  }
}

type StorageSpec = NonNullable<AuthServiceSpec['redis']['managed']>['storage']

function resolveStorage(storage: StorageSpec, defaultSize: string): ResolvedStorage {
  return {
    size: storage?.size ?? defaultSize,
    storageClassName: storage?.storageClassName,
    ephemeral: storage?.ephemeral ?? false,
  }
}

function resolveTokens(tokens: AuthServiceSpec['tokens'], preset: Preset['tokens'], host: string): ResolvedTokens {
  const issuer = tokens?.issuer ?? `https://${host}`
  const { secretRef, rotationInterval, activationDelay } = tokens?.signingKeys ?? {}
  return {
    algorithm: tokens?.algorithm ?? preset.algorithm,
    issuer,
    audience: tokens?.audience ?? issuer,
    ...resolveLifetimes(tokens, preset),
    revocation: {
      maxStalenessSeconds: parseDuration(tokens?.revocation?.maxStaleness ?? preset.revocation.maxStaleness),
      whenStale: tokens?.revocation?.whenStale ?? preset.revocation.whenStale,
    },
    signingKeys: secretRef
      ? { kind: 'provided', secretRef }
      : {
          kind: 'generated',
          rotationIntervalSeconds: parseDuration(rotationInterval ?? preset.signingKeys.rotationInterval),
          activationDelaySeconds: parseDuration(activationDelay ?? preset.signingKeys.activationDelay),
        },
  }
}

/** Lifetimes go up from access to idle to absolute; the ones left out give way to the ones written. */
function resolveLifetimes(tokens: AuthServiceSpec['tokens'], preset: Preset['tokens']) {
  const written = (duration: string | undefined) => (duration === undefined ? undefined : parseDuration(duration))
  const access = written(tokens?.accessTokenLifetime)
  const idle = written(tokens?.refreshTokenIdleLifetime)
  const absolute = written(tokens?.refreshTokenAbsoluteLifetime)

  const accessSeconds =
    access ?? Math.min(parseDuration(preset.accessTokenLifetime), idle ?? Infinity, absolute ?? Infinity)
  const atLeast = Math.max(accessSeconds, idle ?? 0)
  const absoluteSeconds = absolute ?? Math.max(parseDuration(preset.refreshTokenAbsoluteLifetime), atLeast)
  const idleSeconds =
    idle ?? Math.min(Math.max(parseDuration(preset.refreshTokenIdleLifetime), accessSeconds), absoluteSeconds)
  return {
    accessTokenLifetimeSeconds: accessSeconds,
    refreshTokenIdleLifetimeSeconds: idleSeconds,
    refreshTokenAbsoluteLifetimeSeconds: absoluteSeconds,
  }
}

function resolveIngress(
  ingress: AuthServiceSpec['ingress'],
  preset: Preset['ingress'],
  { host, ownSecretName }: { host: string; ownSecretName: string | undefined },
): ResolvedIngress {
  const nginx = ingress?.nginx
  const type = ingress?.type ?? preset.type
  return {
    type,
    trustedProxyHops: ingress?.trustedProxyHops ?? (type === 'None' ? 0 : 1),
    host,
    tls: resolveTls(ingress?.tls, ownSecretName),
    nginx: {
      replicas: nginx?.replicas ?? preset.nginx.replicas,
      serviceType: nginx?.serviceType ?? preset.nginx.serviceType,
      nodePort: nginx?.nodePort === 0 ? undefined : nginx?.nodePort,
      resources: resolveResources(nginx?.resources, preset.nginx.resources),
    },
    className: ingress?.ingress?.className,
    annotations: ingress?.ingress?.annotations ?? {},
    parentRefs: ingress?.gateway?.parentRefs ?? [],
  }
}

type TlsSpec = NonNullable<AuthServiceSpec['ingress']>['tls']

function resolveTls({ secretName, issuerRef }: TlsSpec = {}, ownSecretName: string | undefined): ResolvedTls {
  if (secretName !== undefined && issuerRef !== undefined) {
    return { kind: 'issued', secretName, issuerRef: { kind: issuerRef.kind ?? 'Issuer', name: issuerRef.name } }
  }
  if (secretName !== undefined) return { kind: 'provided', secretName }
  if (ownSecretName !== undefined) return { kind: 'selfSigned', secretName: ownSecretName }
  return { kind: 'missing' }
}

/**
 * The spec's requests and limits over the preset's, each resource by itself. Of a resource that is written on one side
 * only, the other side follows it where the preset has a value there: so a preset never contradicts a spec.
 */
function resolveResources(written: AuthServiceSpec['resources'], preset: ResolvedResources): ResolvedResources {
  return {
    requests: { ...preset.requests, ...overlap(written?.limits, preset.requests), ...written?.requests },
    limits: { ...preset.limits, ...overlap(written?.requests, preset.limits), ...written?.limits },
  }
}

/** The quantities of `written` whose resource `preset` has, too. */
function overlap(written: ResourceList | undefined, preset: ResourceList): ResourceList {
  return Object.fromEntries(Object.entries(written ?? {}).filter(([resource]) => resource in preset))
}

function resolvePod(pod: AuthServiceSpec['pod'], preset: Preset['pod']): ResolvedPod {
  return {
    labels: pod?.labels ?? {},
    annotations: pod?.annotations ?? {},
    nodeSelector: pod?.nodeSelector ?? {},
    tolerations: pod?.tolerations ?? [],
    affinity: pod?.affinity,
    topologySpreadConstraints: pod?.topologySpreadConstraints,
    priorityClassName: pod?.priorityClassName,
    serviceAccountName: pod?.serviceAccountName,
    terminationGracePeriodSeconds: pod?.terminationGracePeriodSeconds ?? preset.terminationGracePeriodSeconds,
  }
}

function resolveBackup(backup: AuthServiceSpec['backup']): ResolvedSpec['backup'] {
  if (backup === undefined) return undefined
  return {
    schedule: backup.schedule,
    keep: backup.keep ?? 7,
    claimName: backup.destination.persistentVolumeClaim.claimName,
  }
}
