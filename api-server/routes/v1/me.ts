import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../../plugins/app/problems/problem.ts'
import { isActive, publicUser } from '../../plugins/app/users/user.ts'
import { User } from '../../schemas/auth.ts'

const me: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me',
    {
      schema: {
        operationId: 'getMe',
        summary: 'The user of the access token',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: { 200: User },
        problems: ['database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub } = await app.authenticate(request)
      const user = await app.users.findById(sub)
      if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user is gone or was disabled.')
      reply.header('cache-control', 'no-store')
      return publicUser(user)
    },
  )
}

export default me
