import type { Preset } from '../presets.ts'
import type { ResolvedMfa } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { parseDuration } from '../units.ts'

export function resolveMfa(mfa: AuthServiceSpec['mfa'], preset: Preset['mfa']): ResolvedMfa {
  const { rotationInterval } = { ...preset.encryptionKeys, ...mfa?.encryptionKeys }
  return {
    mode: mfa?.mode ?? preset.mode,
    requiredRoles: mfa?.requiredRoles ?? preset.requiredRoles,
    gracePeriodSeconds: mfa?.gracePeriod === undefined ? undefined : parseDuration(mfa.gracePeriod),
    serviceName: mfa?.serviceName,
    stepUpMaxAgeSeconds: parseDuration(mfa?.stepUpMaxAge ?? preset.stepUpMaxAge),
    keyRotationIntervalSeconds: parseDuration(rotationInterval),
  }
}
