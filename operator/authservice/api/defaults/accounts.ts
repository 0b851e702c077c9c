import type { Preset } from '../presets.ts'
import type { ResolvedLockout, ResolvedMail, ResolvedRateLimits } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { parseDuration, parseRate } from '../units.ts'

/** @returns undefined if the spec has no mail */
export function resolveMail(mail: AuthServiceSpec['mail'], preset: Preset['mail']): ResolvedMail | undefined {
  if (mail === undefined) return undefined
  const { host, port, encryption = 'StartTLS', credentialsSecretRef: credentials, caSecretRef } = mail.smtp
  const key = (name: string) => credentials && { name: credentials.name, key: name }
  return {
    smtp: {
      host,
      port: port ?? (encryption === 'TLS' ? 465 : 587),
      encryption,
      userSecretRef: key(credentials?.usernameKey ?? 'username'),
      passwordSecretRef: key(credentials?.passwordKey ?? 'password'),
      caSecretRef,
    },
    from: mail.from,
    passwordResetURL: mail.passwordResetURL,
    emailVerificationURL: mail.emailVerificationURL,
    passwordResetLifetimeSeconds: parseDuration(mail.passwordResetLifetime ?? preset.passwordResetLifetime),
    emailVerificationLifetimeSeconds: parseDuration(mail.emailVerificationLifetime ?? preset.emailVerificationLifetime),
  }
}

/** @param limits of the spec, which override those of the preset */
export function resolveRateLimits(
  limits: Preset['rateLimits'] & NonNullable<AuthServiceSpec['rateLimits']>,
): ResolvedRateLimits {
  const optional = (rate: string | undefined) => (rate === undefined ? undefined : parseRate(rate))
  return {
    perClient: parseRate(limits.perClient),
    burst: limits.burst,
    login: parseRate(limits.login),
    register: parseRate(limits.register),
    refresh: parseRate(limits.refresh),
    reset: parseRate(limits.reset),
    loginPerAccount: optional(limits.loginPerAccount),
    loginPerPair: optional(limits.loginPerPair),
    loginPerKnownDevice: optional(limits.loginPerKnownDevice),
    mail: parseRate(limits.mail),
    emailVerification: parseRate(limits.emailVerification),
    sensitive: parseRate(limits.sensitive),
    profile: parseRate(limits.profile),
    admin: parseRate(limits.admin),
  }
}

/** If only one of the two durations is set, the default of the other is adjusted to it. */
export function resolveLockout(lockout: AuthServiceSpec['lockout'], preset: Preset['lockout']): ResolvedLockout {
  const first = lockout?.firstLock === undefined ? undefined : parseDuration(lockout.firstLock)
  const longest = lockout?.longestLock === undefined ? undefined : parseDuration(lockout.longestLock)
  return {
    failures: lockout?.failures ?? preset.failures,
    firstLockSeconds: first ?? Math.min(parseDuration(preset.firstLock), longest ?? Infinity),
    longestLockSeconds: longest ?? Math.max(parseDuration(preset.longestLock), first ?? 0),
    forgetAfterSeconds: parseDuration(lockout?.forgetAfter ?? preset.forgetAfter),
    knownDeviceLifetimeSeconds: parseDuration(lockout?.knownDeviceLifetime ?? preset.knownDeviceLifetime),
  }
}
