import type { Claims } from './external-identity.ts'
import type { LinkedIdentity } from './identities.ts'
import type { Provider } from './provider-registry.ts'

/** The application roles that the groups of a user at one provider mean. */
export interface ProviderRoles {
  /** Of the file of providers. */
  provider: string
  roles: readonly string[]
}

/**
 * The groups of a user that a mapping of the provider names, each once. There are at most as many as mappings, however
 * many groups the provider sends.
 */
export function mappedGroups({ applicationRoles }: Pick<Provider, 'applicationRoles'>, claims: Claims): string[] {
  if (applicationRoles === undefined) return []
  const sent = new Set([claims[applicationRoles.claim]].flat())
  return [...new Set(applicationRoles.mappings.map(({ value }) => value))].filter((value) => sent.has(value))
}

/** Whether the provider has sent what its mappings need: a list, which may be empty, or a text. */
export function hasGroups({ applicationRoles }: Pick<Provider, 'applicationRoles'>, claims: Claims): boolean {
  if (applicationRoles === undefined) return true
  const sent = [claims[applicationRoles.claim]].flat()
  return sent.length === 0 || sent.some((each) => typeof each === 'string')
}

/** In the order of the mappings. */
export function rolesOfGroups(
  { applicationRoles }: Pick<Provider, 'applicationRoles'>,
  groups: readonly string[],
): string[] {
  const mapped = (applicationRoles?.mappings ?? []).filter(({ value }) => groups.includes(value))
  return [...new Set(mapped.map(({ role }) => role))]
}

/**
 * What the groups of a user mean today: a mapping or a provider that was removed from the file gives no role.
 *
 * @param identities of the user
 */
export function rolesByProvider(
  providers: readonly Pick<Provider, 'id' | 'applicationRoles'>[],
  identities: readonly Pick<LinkedIdentity, 'provider' | 'groups'>[],
): ProviderRoles[] {
  return providers
    .map((provider) => {
      const groups = identities.filter((each) => each.provider === provider.id).flatMap((each) => each.groups ?? [])
      return { provider: provider.id, roles: rolesOfGroups(provider, groups) }
    })
    .filter(({ roles }) => roles.length > 0)
}
