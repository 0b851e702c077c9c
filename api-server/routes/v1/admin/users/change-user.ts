import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { changeUserAsAdmin } from '../../../../plugins/app/accounts/administration.ts'
import { parseNewEmail } from '../../../../plugins/app/users/email.ts'
import { AdminUser, UserChange, UserParameters } from '../../../../schemas/admin.ts'
import { administratorOf } from '../administrator.ts'
import { adminUser } from './admin-user.ts'

const changeUser: FastifyPluginAsyncTypebox = async (app) => {
  app.patch(
    '/users/:id',
    {
      schema: {
        operationId: 'changeUser',
        summary: 'Change the name, email or role of a user',
        tags: ['admin'],
        security: [{ bearer: [] }],
        params: UserParameters,
        body: UserChange,
        response: { 200: AdminUser },
        problems: [
          'forbidden',
          'rate_limited',
          'database_unavailable',
          'not_found',
          'email_taken',
          'last_admin',
          'user_changed',
          'busy',
        ],
      },
    },
    async (request) => {
      const { email, ...rest } = request.body
      const change = { ...rest, ...(email !== undefined && { email: parseNewEmail(email) }) }
      return adminUser(await changeUserAsAdmin(app, request.params.id, change, administratorOf(request)))
    },
  )
}

export default changeUser
