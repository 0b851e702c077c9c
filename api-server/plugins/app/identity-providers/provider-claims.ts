import type { FastifyInstance } from 'fastify'
import { hasGroups } from './application-roles.ts'
import { type ExternalIdentity, missingClaim } from './external-identity.ts'
import type { Provider } from './provider-registry.ts'

/** A user of a provider, who has just logged in there. */
export interface ProviderUser {
  provider: Provider
  identity: ExternalIdentity
}

/** Providers whose missing claim the log has named. Settings that have changed are another provider. */
const reported = new WeakSet<Provider>()

/** Whether a user has the claims that the settings of the provider require. The log names the one that is missing. */
export function hasRequiredClaims({ log }: FastifyInstance, { provider, identity }: ProviderUser): boolean {
  const claim = missingClaim(provider, identity.claims)
  if (claim === undefined) return true
  log.warn({ provider: provider.id, claim }, 'a user of an identity provider lacks a required claim')
  return false
}

/** Logs once for each provider that it has sent no groups: others of its users may just have none. */
export function reportMissingGroups({ log }: FastifyInstance, { provider, identity }: ProviderUser): void {
  if (hasGroups(provider, identity.claims) || reported.has(provider)) return
  reported.add(provider)
  log.warn(
    { provider: provider.id, claim: provider.applicationRoles?.claim },
    'an identity provider has sent no groups of a user, who gets no application roles from it. If the user is in groups there, add the claim to ID tokens of the provider, as a list of texts',
  )
}
