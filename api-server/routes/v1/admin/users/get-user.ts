import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { existingUser } from '../../../../plugins/app/accounts/administration.ts'
import { AdminUser, UserParameters } from '../../../../schemas/admin.ts'
import { adminUser } from './admin-user.ts'

const getUser: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/:id',
    {
      schema: {
        operationId: 'getUser',
        summary: 'Get a user',
        tags: ['admin'],
        security: [{ bearer: [] }],
        params: UserParameters,
        response: { 200: AdminUser },
        problems: ['forbidden', 'rate_limited', 'database_unavailable', 'not_found'],
      },
    },
    async ({ params: { id } }) => adminUser(await existingUser(app, id)),
  )
}

export default getUser
