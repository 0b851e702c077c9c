import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from './problems/problem.ts'
import type { AccessTokenClaims } from './tokens/access-token.ts'
import { isActive, roleOf, type StoredUser } from './users/user.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The claims of the request's access token, and its current user. After the read of the user, which may take
     * seconds, the session is checked again, without the signature: a revocation that precedes what was read, such as
     * that of a new password, ends the request.
     * @throws Problem 401, or 503
     */
    authenticateUser(request: FastifyRequest): Promise<AuthenticatedUser>
    /** The user, for administrators only, checked in the token and in the database. @throws Problem 401, 403, or 503 */
    authenticateAdmin(request: FastifyRequest): Promise<StoredUser>
  }
}

interface AuthenticatedUser {
  user: StoredUser
  claims: AccessTokenClaims
}

export default fp(
  async function authenticateUser(app) {
    const userOf = async (claims: AccessTokenClaims): Promise<StoredUser> => {
      const user = await app.users.findById(claims.sub)
      if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user was deleted or disabled.')
      await app.tokens.requireActive(claims)
      return user
    }
    app.decorate('authenticateUser', async (request) => {
      const claims = await app.authenticate(request)
      return { user: await userOf(claims), claims }
    })
    app.decorate('authenticateAdmin', async (request) => {
      const claims = await app.authenticate(request)
      const { sub: userId, role } = claims
      const user = role === 'admin' ? await userOf(claims) : undefined
      if (user !== undefined && roleOf(user) === 'admin') return user
      app.securityEvents.record('authz_fail', { userId, address: request.ip, reason: request.routeOptions.url ?? '' })
      throw problem(403, 'forbidden', 'Only administrators may do this.')
    })
  },
  { name: 'authenticate-user', dependencies: ['authenticate', 'tokens', 'users', 'security-events'] },
)
