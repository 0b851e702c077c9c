import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { deleteUserAsAdmin } from '../../../../plugins/app/accounts/administration.ts'
import { UserParameters } from '../../../../schemas/admin.ts'
import { noContent } from '../../../../schemas/auth.ts'
import { administratorOf } from '../administrator.ts'

const deleteUser: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/users/:id',
    {
      schema: {
        operationId: 'deleteUser',
        summary: 'Delete a user',
        tags: ['admin'],
        security: [{ bearer: [] }],
        params: UserParameters,
        response: { 204: noContent('The user is deleted, and all their sessions have ended') },
        problems: [
          'forbidden',
          'rate_limited',
          'database_unavailable',
          'not_found',
          'last_admin',
          'user_changed',
          'busy',
        ],
      },
    },
    async (request, reply) => {
      await deleteUserAsAdmin(app, request.params.id, administratorOf(request))
      return reply.code(204).send(null)
    },
  )
}

export default deleteUser
