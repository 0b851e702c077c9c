import type { FastifyInstance } from 'fastify'
import { isActive, type StoredUser } from '../users/user.ts'

/** Which claims belong to which scope. OpenID Connect Core section 5.4. */
export const claimsOfScope = {
  openid: ['sub', 'auth_time', 'acr', 'amr'],
  profile: ['name'],
  email: ['email', 'email_verified'],
} as const

/** What a client may know of a user who has granted the scopes. */
export interface UserClaims {
  sub: string
  name?: string
  email?: string
  email_verified?: boolean
}

/** The claims of a user for scopes, separated by spaces. */
export async function userClaims(app: FastifyInstance, user: StoredUser, scope: string): Promise<UserClaims> {
  const scopes = new Set(scope.split(' '))
  return {
    sub: user._id.toString(),
    ...(scopes.has('profile') && { name: user.name }),
    ...(scopes.has('email') && { email: user.email, email_verified: await app.verifiedEmails.has(user) }),
  }
}

/** The user as the library wants it; undefined for one who is disabled or was deleted. */
export async function findAccount(app: FastifyInstance, accountId: string) {
  const user = await app.users.findById(accountId)
  if (user === null || !isActive(user)) return undefined
  return { accountId, claims: async (_use: string, scope: string) => ({ ...(await userClaims(app, user, scope)) }) }
}
