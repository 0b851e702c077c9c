import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { createUserAsAdmin } from '../../../../plugins/app/accounts/administration.ts'
import { passwordFaults } from '../../../../plugins/app/passwords/password-rules.ts'
import { parseNewEmail } from '../../../../plugins/app/users/email.ts'
import { AdminUser, NewUser } from '../../../../schemas/admin.ts'
import { administratorOf } from '../administrator.ts'
import { adminUser } from './admin-user.ts'

const createUser: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/users',
    {
      schema: {
        operationId: 'createUser',
        summary: 'Create a user',
        tags: ['admin'],
        security: [{ bearer: [] }],
        body: NewUser,
        response: { 201: AdminUser },
        problems: ['forbidden', 'rate_limited', 'database_unavailable', 'email_taken', 'busy', ...passwordFaults],
      },
    },
    async (request, reply) => {
      const { email, ...rest } = request.body
      const newUser = { ...rest, email: parseNewEmail(email) }
      const user = await createUserAsAdmin(app, newUser, administratorOf(request))
      return reply.code(201).send(adminUser(user))
    },
  )
}

export default createUser
