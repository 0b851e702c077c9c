import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { register as registerUser } from '../../../plugins/app/accounts/registration.ts'
import { passwordFaults } from '../../../plugins/app/passwords/password-rules.ts'
import { parseNewEmail } from '../../../plugins/app/users/email.ts'
import { publicUser } from '../../../plugins/app/users/user.ts'
import { Accepted } from '../../../schemas/accounts.ts'
import { Registration, User } from '../../../schemas/auth.ts'

const register: FastifyPluginAsyncTypebox = async (app) => {
  const isHidden = app.config.registrationDisclosure === 'hidden'
  app.post(
    '/register',
    {
      schema: {
        operationId: 'register',
        summary: 'Register a user',
        description:
          'Answers 201. If REGISTRATION_DISCLOSURE is hidden, always answers 202, and the user can log in after opening the mailed link (verifyEmail).',
        tags: ['users'],
        body: Registration,
        response: { 201: User, 202: Accepted },
        problems: [
          isHidden ? 'mail_not_configured' : 'email_taken',
          'provider_login_required',
          ...passwordFaults,
          'rate_limited',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { password, name } = request.body
      const registration = { email: parseNewEmail(request.body.email), name, password }
      const user = await registerUser(app, registration, app.callerOf(request, reply))
      if (user === undefined) return reply.code(202).send({ status: 'accepted' as const })
      return reply.code(201).send(publicUser(user))
    },
  )
}

export default register
