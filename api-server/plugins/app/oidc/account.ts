import type { ClaimsInToken } from '@authservice-operator/contract/custom-claims.ts'
import type { OidcClient } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { FastifyInstance } from 'fastify'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { isActive, type StoredUser } from '../users/user.ts'
import type { ActiveGrant } from './active-grant.ts'
import type { ClientRegistry } from './client-registry.ts'

/** Which claims belong to which scope. OpenID Connect Core section 5.4. */
export const claimsOfScope = {
  openid: ['sub', 'auth_time', 'acr', 'amr'],
  profile: ['name'],
  email: ['email', 'email_verified'],
} as const

/** What a client may know of a user who has granted it. */
export interface UserClaims {
  sub: string
  name?: string
  email?: string
  email_verified?: boolean
}

/** The claims of a user for scopes, separated by spaces, and those that a request has named one by one. */
export async function userClaims(
  app: FastifyInstance,
  user: StoredUser,
  scope: string,
  named: readonly string[] = [],
): Promise<UserClaims> {
  const scopes = new Set(scope.split(' '))
  const wants = (claim: string, ofScope: keyof typeof claimsOfScope) => scopes.has(ofScope) || named.includes(claim)
  return {
    sub: user._id.toString(),
    ...(wants('name', 'profile') && { name: user.name }),
    ...(wants('email', 'email') && { email: user.email }),
    ...(wants('email_verified', 'email') && { email_verified: await app.verifiedEmails.has(user) }),
  }
}

/**
 * The roles and custom claims of a user that a client gets. One of another owner gets those that the user has agreed to.
 *
 * @param granted names of claims in the grant
 */
export async function customClaims(
  app: FastifyInstance,
  { _id }: StoredUser,
  client: OidcClient | undefined,
  granted: readonly string[],
): Promise<ClaimsInToken> {
  const { userClaims: allowed = [], firstParty = false } = client ?? {}
  return app.userClaims.select(_id, firstParty ? allowed : allowed.filter((name) => granted.includes(name)))
}

/** Where the library keeps the custom claims of an ID token: it passes on what it does not know, and puts it nowhere. */
export const customClaimsOfIdToken = Symbol('custom claims')

/**
 * The user as the library wants it; undefined for one who is disabled or was deleted.
 *
 * @param grant of the request, which has just been read with its user
 */
export async function findAccount(
  app: FastifyInstance,
  { clients, grant }: { clients: ClientRegistry; grant: ActiveGrant | undefined },
  { oidc }: KoaContextWithOIDC,
  accountId: string,
) {
  const isKnown = grant?.user._id.toString() === accountId
  const user = isKnown ? grant.user : await app.users.findById(accountId)
  if (user === null || !isActive(user)) return undefined
  return {
    accountId,
    /** For ID tokens. @param named what the request has named, as far as it was granted */
    async claims(_use: string, scope: string, named: object = {}) {
      const client = clients.find(oidc.client?.clientId ?? '')
      const custom = await customClaims(app, user, client, oidc.entities.Grant?.getOIDCClaims() ?? [])
      const about = await userClaims(app, user, scope, Object.keys(named))
      return { ...about, [customClaimsOfIdToken]: { ...client?.claims, ...custom } }
    },
  }
}
