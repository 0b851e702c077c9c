import type { Preset } from '../presets.ts'
import type { ResolvedOidc } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { parseDuration } from '../units.ts'

/** @returns undefined if there is no OpenID provider */
export function resolveOidc(oidc: AuthServiceSpec['oidc'], preset: Preset['oidc']): ResolvedOidc | undefined {
  if (!(oidc?.enabled ?? preset.enabled)) return undefined
  const { rotationInterval } = { ...preset.signingKeys, ...oidc?.signingKeys }
  const { from, names = [] } = { ...preset.clientNamespaces, ...oidc?.clientNamespaces }
  return {
    clientNamespaces: from === 'All' ? 'all' : from === 'Names' ? names : [],
    logoutReceivers: (oidc?.backchannelLogout?.receivers ?? []).map(({ host, port = 443 }) => ({ host, port })),
    logoutCaSecretRef: oidc?.backchannelLogout?.caSecretRef,
    keyRotationIntervalSeconds: parseDuration(rotationInterval),
  }
}
