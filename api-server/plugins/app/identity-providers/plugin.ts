import fp from 'fastify-plugin'
import type { OidcState } from '../oidc/state-adapter.ts'
import { type Problem, problem } from '../problems/problem.ts'
import type { CanonicalEmail } from '../users/email.ts'
import type { UserKey } from '../users/user-key.ts'
import { type ProviderRoles, rolesByProvider } from './application-roles.ts'
import { Identities, type LinkedIdentity } from './identities.ts'
import { PendingLogins } from './pending-logins.ts'
import { ProviderClient } from './provider-client.ts'
import { type Provider, ProviderRegistry } from './provider-registry.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Identities of users at other providers. */
    identities: Identities
    /** Other providers at which users may log in. The flows are the functions of this folder. */
    identityProviders: {
      /** In the order of the file; empty without IDENTITY_PROVIDERS_FILE. */
      readonly all: readonly Provider[]
      find(id: string): Provider | undefined
      /** The provider to which users with the domain of this email are sent. */
      ofDomainOf(email: CanonicalEmail): Provider | undefined
      /** Whether users with the domain of this email can log in only at their provider. */
      forbidsPassword(email: CanonicalEmail): boolean
      /** @throws Problem 403 `provider_login_required` */
      assertPasswordAllowed(email: CanonicalEmail): void
      /** The application roles that the groups of a user mean. Reads nothing unless a provider maps some. */
      applicationRolesOf(user: UserKey): Promise<ProviderRoles[]>
      client: ProviderClient
      pending: PendingLogins
    }
  }
}

export default fp(
  async function identityProviders(app) {
    const { identityProvidersFile: file, environment } = app.config
    // From the primary, regardless of the read preference in the URL: an identity that was removed must be gone.
    const primary = { readPreference: 'primary' } as const
    app.decorate('identities', new Identities(app.mongo.db.collection<LinkedIdentity>('identities', primary)))
    const registry = file === undefined ? undefined : new ProviderRegistry(file, rulesOf(environment), tellUnusable)
    function tellUnusable(reason: string): void {
      app.log.error({ reason }, 'earlier identity providers stay in use')
    }
    if (registry !== undefined) {
      await registry.load()
      registry.follow()
      app.addHook('onClose', () => registry.stop())
    }
    const ofDomainOf = (email: CanonicalEmail) => registry?.ofDomainOf(email)
    const forbidsPassword = (email: CanonicalEmail) => ofDomainOf(email)?.passwordLogin === false
    app.decorate('identityProviders', {
      get all() {
        return registry?.all ?? []
      },
      find: (id) => registry?.find(id),
      ofDomainOf,
      forbidsPassword,
      assertPasswordAllowed(email) {
        if (forbidsPassword(email)) throw mustUseProvider(ofDomainOf(email))
      },
      async applicationRolesOf(user) {
        const mapping = (registry?.all ?? []).filter(({ applicationRoles }) => applicationRoles !== undefined)
        return mapping.length === 0 ? [] : rolesByProvider(mapping, await app.identities.ofUser(user))
      },
      client: new ProviderClient(),
      pending: new PendingLogins(app.mongo.db.collection<OidcState>('oauth_state', primary)),
    })
  },
  { name: 'identity-providers', dependencies: ['config', 'mongo', 'users', 'accounts'] },
)

function rulesOf(environment: string) {
  return { allowLoopbackHttp: environment === 'development' }
}

function mustUseProvider(provider: Provider | undefined): Problem {
  const name = provider?.name ?? 'another provider'
  return problem(403, 'provider_login_required', `Users with this email log in with ${name}.`, {
    values: { provider: name },
  })
}
