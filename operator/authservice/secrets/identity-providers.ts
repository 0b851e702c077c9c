import type { IdentityProvider, IdentityProviderFile } from '@authservice-operator/contract/identity-provider-schema.ts'
import { identityProviderProblems } from '@authservice-operator/contract/identity-providers.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { SecretData } from '../model/secret-data.ts'
import type { SecretPart, SecretsInput } from './decision.ts'

export const identityProvidersFile = 'providers.json'

/** What is wrong with the providers of a spec, by the rules of the servers. */
export function providerProblemsOf({ identityProviders }: Pick<ResolvedSpec, 'identityProviders'>): string[] {
  return identityProviderProblems(
    identityProviders.map(({ entry }) => entry),
    { allowLoopbackHttp: false },
  )
}

/**
 * The file of the servers.
 * @returns undefined if a secret is missing, or servers would refuse the file: then it stays as it is
 */
export function providersFileOf(
  resolved: Pick<ResolvedSpec, 'identityProviders'>,
  referencedSecrets: ReadonlyMap<string, SecretData>,
): string | undefined {
  if (providerProblemsOf(resolved).length > 0) return undefined
  const providers: IdentityProvider[] = []
  for (const { entry, clientSecretRef } of resolved.identityProviders) {
    const secret = referencedSecrets.get(clientSecretRef.name)?.[clientSecretRef.key]?.trimEnd() ?? ''
    if (secret === '') return undefined
    providers.push({ ...entry, authentication: { method: 'secret', secret } })
  }
  return `${JSON.stringify({ version: 1, providers } satisfies IdentityProviderFile, null, 2)}\n`
}

const noProviders = `${JSON.stringify({ version: 1, providers: [] })}\n`

/**
 * The Secret with the providers. When the spec turns the OpenID provider off, it stays as it is: pods that run until the
 * rollout is complete read it.
 */
export function decideIdentityProvidersSecret(
  { resolved, existing, identityProviders: wanted }: SecretsInput,
  name: string,
): SecretPart {
  const current = existing.get(name)
  if (resolved.oidc === undefined && current === undefined) return {}
  const content = (resolved.oidc === undefined ? undefined : wanted) ?? current?.[identityProvidersFile] ?? noProviders
  const why = current === undefined ? 'the file of identity providers' : 'its providers have changed'
  return {
    secrets: [{ name, type: 'Opaque', data: { [identityProvidersFile]: content } }],
    changes: current?.[identityProvidersFile] === content ? [] : [{ name, why }],
  }
}
