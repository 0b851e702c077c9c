import type { ResolvedIdentityProvider } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'

type SpecProvider = NonNullable<AuthServiceSpec['identityProviders']>[number]

const presets = { Google: 'google', GitHub: 'github' } as const

/** The providers as the servers read them, without their secrets. Servers know the defaults of fields that are left out. */
export function resolveIdentityProviders(
  providers: AuthServiceSpec['identityProviders'],
): readonly ResolvedIdentityProvider[] {
  return (providers ?? []).map((provider) => ({
    clientSecretRef: provider.clientSecretRef,
    entry: entryOf(provider),
  }))
}

function entryOf(provider: SpecProvider): ResolvedIdentityProvider['entry'] {
  const { name, displayName, preset, clientID, role, requiredClaims, secondFactor } = provider
  const { issuer, scopes, domains, passwordLogin, users, applicationRoles, acrValues } = provider
  return {
    id: name,
    name: displayName ?? name,
    ...(preset !== undefined && { preset: presets[preset] }),
    ...(issuer !== undefined && { issuer }),
    clientId: clientID,
    ...(scopes !== undefined && { scopes }),
    ...(domains !== undefined && { domains }),
    ...(passwordLogin !== undefined && { passwordLogin }),
    ...(users !== undefined && { users }),
    ...(role !== undefined && { role: { claim: role.claim, admin: role.adminValues } }),
    ...(applicationRoles !== undefined && { applicationRoles }),
    ...(requiredClaims !== undefined && {
      requiredClaims: Object.fromEntries(requiredClaims.map(({ claim, values }) => [claim, values])),
    }),
    ...(acrValues !== undefined && { acrValues }),
    ...(secondFactor !== undefined && { secondFactor }),
  }
}
