import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'
import { oidcOf } from './oidc.ts'

/** The relying party of passkeys. WebAuthn level 3 section 5.4.2. */
export interface WebAuthnConfig {
  /** The domain that passkeys belong to. Passkeys of another one are of no use here. */
  rpId: string
  /** Origins of the pages that may use passkeys, as browsers send them. */
  origins: readonly string[]
  /** Models of authenticators that users may add, as UUIDs in lower case; undefined: all. */
  allowedAaguids: ReadonlySet<string> | undefined
}

/** @returns undefined without WEBAUTHN_RP_ID: there are no passkeys */
export function webAuthnOf(values: EnvironmentValues): WebAuthnConfig | undefined {
  const { WEBAUTHN_RP_ID: rpId, WEBAUTHN_ORIGINS: origins = '', WEBAUTHN_AAGUIDS: aaguids } = values
  if (rpId === undefined) return undefined
  return {
    rpId,
    origins: [...new Set([...listOf(origins), ...originOfPages(values, rpId)])],
    allowedAaguids: aaguids === undefined ? undefined : new Set(listOf(aaguids.toLowerCase())),
  }
}

/** The pages of the OpenID provider may use passkeys if browsers allow it on their host. */
function originOfPages(values: EnvironmentValues, rpId: string): string[] {
  const origin = URL.parse(values.JWT_ISSUER)?.origin
  if (oidcOf(values) === undefined || origin === undefined) return []
  return originProblems(origin, rpId).length === 0 ? [origin] : []
}

/** One sentence for each setting of passkeys that browsers would refuse, or that contradicts another one. */
export function webAuthnProblems({ WEBAUTHN_RP_ID: rpId, ...values }: EnvironmentValues): string[] {
  const origins = listOf(values.WEBAUTHN_ORIGINS ?? '')
  if ((rpId === undefined) !== (origins.length === 0)) {
    return ['WEBAUTHN_RP_ID and WEBAUTHN_ORIGINS must be set together']
  }
  if (rpId === undefined) {
    return values.WEBAUTHN_AAGUIDS === undefined ? [] : ['WEBAUTHN_AAGUIDS requires WEBAUTHN_RP_ID']
  }
  return [...rpIdProblems(rpId), ...origins.flatMap((origin) => originProblems(origin, rpId))]
}

function rpIdProblems(rpId: string): string[] {
  if (/^[\d.]+$/.test(rpId)) return [`WEBAUTHN_RP_ID is "${rpId}", and browsers accept no IP address: use a domain`]
  if (rpId.includes('.') || rpId === 'localhost') return []
  return [`WEBAUTHN_RP_ID is "${rpId}", which is no domain: expected one such as example.com, or localhost`]
}

function originProblems(origin: string, rpId: string): string[] {
  const name = `WEBAUTHN_ORIGINS contains "${origin}"`
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    return [`${name}, which is no origin: write it like https://app.example.com, without a path`]
  }
  const { protocol, hostname } = new URL(origin)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLocal(hostname))) {
    return [`${name}: browsers offer passkeys on https:// pages only, and on http://localhost`]
  }
  if (hostname !== rpId && !hostname.endsWith(`.${rpId}`)) {
    return [`${name}, whose host is neither ${rpId} (WEBAUTHN_RP_ID) nor below it: browsers refuse passkeys there`]
  }
  return []
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost')
}

function listOf(commaSeparated: string): string[] {
  return commaSeparated
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
