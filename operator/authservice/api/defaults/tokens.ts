import type { Preset } from '../presets.ts'
import type { ResolvedTokens } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { parseDuration } from '../units.ts'

export function resolveTokens(
  tokens: AuthServiceSpec['tokens'],
  preset: Preset['tokens'],
  host: string,
): ResolvedTokens {
  const issuer = tokens?.issuer ?? `https://${host}`
  const { secretRef, rotationInterval, activationDelay } = tokens?.signingKeys ?? {}
  return {
    algorithm: tokens?.algorithm ?? preset.algorithm,
    issuer,
    audience: tokens?.audience ?? issuer,
    accessTokenClaims: tokens?.accessTokenClaims ?? [],
    ...resolveLifetimes(tokens, preset),
    refreshTokenGraceSeconds: parseDuration(tokens?.refreshTokenGrace ?? preset.refreshTokenGrace),
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

/** Lifetimes increase from access to idle to absolute; omitted ones are adjusted to those that are set. */
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
