import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from './problems/problem.ts'
import { isActive, roleOf, type StoredUser } from './users/user.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The current user of the request's access token. @throws Problem 401, or 503 */
    authenticateUser(request: FastifyRequest): Promise<StoredUser>
    /** The same, for administrators only, checked in the token and in the database. @throws Problem 401, 403, or 503 */
    authenticateAdmin(request: FastifyRequest): Promise<StoredUser>
  }
}

export default fp(
  async function authenticateUser(app) {
    app.decorate('authenticateUser', async (request) => {
      const { sub } = await app.authenticate(request)
      const user = await app.users.findById(sub)
      if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user was deleted or disabled.')
      return user
    })
    app.decorate('authenticateAdmin', async (request) => {
      const { sub: userId, role } = await app.authenticate(request)
      const user = role === 'admin' ? await app.authenticateUser(request) : undefined
      if (user !== undefined && roleOf(user) === 'admin') return user
      app.securityEvents.record('authz_fail', { userId, address: request.ip, reason: request.routeOptions.url ?? '' })
      throw problem(403, 'forbidden', 'Only administrators may do this.')
    })
  },
  { name: 'authenticate-user', dependencies: ['authenticate', 'users', 'security-events'] },
)
