import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { setPasswordAsAdmin } from '../../../../plugins/app/accounts/administration.ts'
import { passwordFaults } from '../../../../plugins/app/passwords/password-rules.ts'
import { NewPassword, UserParameters } from '../../../../schemas/admin.ts'
import { noContent } from '../../../../schemas/auth.ts'
import { administratorOf } from '../administrator.ts'

const setUserPassword: FastifyPluginAsyncTypebox = async (app) => {
  app.put(
    '/users/:id/password',
    {
      schema: {
        operationId: 'setUserPassword',
        summary: 'Set the password of a user',
        description: 'Ends all sessions and mailed links of the user, and notifies the user by mail.',
        tags: ['admin'],
        security: [{ bearer: [] }],
        params: UserParameters,
        body: NewPassword,
        response: { 204: noContent('The password is changed, and all sessions of the user have ended') },
        problems: [
          'forbidden',
          'rate_limited',
          'database_unavailable',
          'not_found',
          'user_changed',
          'busy',
          ...passwordFaults,
        ],
      },
    },
    async (request, reply) => {
      await setPasswordAsAdmin(app, request.params.id, request.body.new_password, administratorOf(request))
      return reply.code(204).send(null)
    },
  )
}

export default setUserPassword
