import { resolveLockout, resolveMail, resolveRateLimits } from './defaults/accounts.ts'
import { resolveMongoDb, resolveRedis } from './defaults/databases.ts'
import { resolveIdentityProviders } from './defaults/identity-providers.ts'
import { resolveIngress } from './defaults/ingress.ts'
import { resolveMfa } from './defaults/mfa.ts'
import { resolveOidc } from './defaults/oidc.ts'
import { resolveResources } from './defaults/resources.ts'
import { resolveTokens } from './defaults/tokens.ts'
import { resolvePod, resolveRollout, resolveScaling } from './defaults/workload.ts'
import { traitsOf } from './environment-traits.ts'
import { hostPattern } from './fields.ts'
import { presetOf } from './presets.ts'
import type { ResolvedSpec } from './resolved-spec.ts'
import type { AuthService, AuthServiceSpec, Environment } from './schema.ts'
import { parseDuration } from './units.ts'

/** Input of the defaults. Some of them depend on the name. */
export type SpecSource = { metadata: Pick<AuthService['metadata'], 'name' | 'namespace'>; spec: AuthServiceSpec }

const defaultEnvironment: Environment = 'development'

/**
 * Fills every omitted field with the preset of its environment, and converts durations to seconds. Pure, and defined
 * for every spec that the CustomResourceDefinition admits.
 */
export function resolveSpec({ metadata, spec }: SpecSource): ResolvedSpec {
  const environment = spec.environment ?? defaultEnvironment
  const preset = presetOf(environment)
  const traits = traitsOf(environment)
  const host = spec.ingress?.host ?? hostOf(spec.tokens?.issuer) ?? fallbackHost(environment, metadata)
  const tokens = resolveTokens(spec.tokens, preset.tokens, host)
  const cors = { origins: spec.cors?.origins ?? preset.cors.origins }

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
    tokens,
    passwords: { ...preset.passwords, ...spec.passwords },
    mfa: resolveMfa(spec.mfa, preset.mfa, { host, issuer: tokens.issuer, corsOrigins: cors.origins }),
    oidc: resolveOidc(spec.oidc, preset.oidc),
    pages: spec.pages ?? {},
    identityProviders: resolveIdentityProviders(spec.identityProviders),
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
    cors,
    ingress: resolveIngress(spec.ingress, preset.ingress, {
      host,
      ownSecretName: traits.selfSignedCertificate ? `${metadata.name}-edge-tls` : undefined,
    }),
    resources: resolveResources(spec.resources, preset.resources),
    jobs: {
      resources: spec.jobs?.resources,
      labels: spec.jobs?.labels ?? {},
      annotations: spec.jobs?.annotations ?? {},
    },
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

/** Host name of a URL, without the port; undefined if the schema does not admit it as a host. */
function hostOf(url: string | undefined): string | undefined {
  const host = url === undefined ? undefined : /^https?:\/\/([^/:]+)/.exec(url)?.[1]?.toLowerCase()
  return host !== undefined && new RegExp(hostPattern).test(host) ? host : undefined
}

function fallbackHost(environment: Environment, { name, namespace }: SpecSource['metadata']): string {
  return environment === 'development' ? `${name}.localhost` : `${name}-edge.${namespace}.svc`
}

function resolveBackup(backup: AuthServiceSpec['backup']): ResolvedSpec['backup'] {
  if (backup === undefined) return undefined
  return {
    schedule: backup.schedule,
    keep: backup.keep ?? 7,
    claimName: backup.destination.persistentVolumeClaim.claimName,
  }
}
