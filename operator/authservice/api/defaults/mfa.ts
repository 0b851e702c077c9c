import type { Preset } from '../presets.ts'
import type { ResolvedMfa, ResolvedPasskeys } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { parseDuration } from '../units.ts'

type MfaSpec = AuthServiceSpec['mfa']

/** Where browsers find the server and its pages. */
interface Pages {
  /** The host name of the server. */
  host: string
  issuer: string
  corsOrigins: readonly string[]
}

export function resolveMfa(mfa: MfaSpec, preset: Preset['mfa'], pages: Pages): ResolvedMfa {
  const { rotationInterval } = { ...preset.encryptionKeys, ...mfa?.encryptionKeys }
  return {
    mode: mfa?.mode ?? preset.mode,
    requiredRoles: mfa?.requiredRoles ?? preset.requiredRoles,
    gracePeriodSeconds: mfa?.gracePeriod === undefined ? undefined : parseDuration(mfa.gracePeriod),
    serviceName: mfa?.serviceName,
    stepUpMaxAgeSeconds: parseDuration(mfa?.stepUpMaxAge ?? preset.stepUpMaxAge),
    totpEnabled: mfa?.totp?.enabled ?? preset.totp.enabled,
    passkeys: (mfa?.passkeys?.enabled ?? preset.passkeys.enabled) ? resolvePasskeys(mfa?.passkeys, pages) : undefined,
    keyRotationIntervalSeconds: parseDuration(rotationInterval),
  }
}

function resolvePasskeys(
  passkeys: NonNullable<MfaSpec>['passkeys'],
  { host, issuer, corsOrigins }: Pages,
): ResolvedPasskeys {
  const rpID = passkeys?.rpID ?? host
  const known = [`https://${host}`, issuer, ...corsOrigins].flatMap((url) => originsFor(rpID, url))
  return { rpID, origins: passkeys?.origins ?? [...new Set(known)], allowedAAGUIDs: passkeys?.allowedAAGUIDs }
}

/** The origin of the URL, if browsers offer passkeys of the domain there. */
function originsFor(rpID: string, url: string): string[] {
  if (!URL.canParse(url)) return []
  const { protocol, hostname, origin } = new URL(url)
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost')
  const isSecure = protocol === 'https:' || isLocal
  return isSecure && (hostname === rpID || hostname.endsWith(`.${rpID}`)) ? [origin] : []
}
