import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { addressKey } from '../../../plugins/app/limits/address-key.ts'
import { Problem } from '../../../plugins/app/problems/problem.ts'
import { publicUser } from '../../../plugins/app/users/user.ts'
import { Accepted } from '../../../schemas/accounts.ts'
import { Registration, User } from '../../../schemas/auth.ts'

const register: FastifyPluginAsyncTypebox = async (app) => {
  const { registrationDisclosure, limits } = app.config
  app.post(
    '/register',
    {
      schema: {
        operationId: 'register',
        summary: 'Register a user',
        description: 'Answers 201; or always 202 where REGISTRATION_DISCLOSURE is hidden.',
        tags: ['users'],
        body: Registration,
        response: { 201: User, 202: Accepted },
        problems: [
          'email_taken',
          'password_too_short',
          'password_too_long',
          'password_common',
          'password_unusable',
          'rate_limited',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      await app.limits.use('register', addressKey(request.ip), limits.register, request, reply)
      const { email, password, name } = request.body
      app.passwords.requireGood(password, { email, name })
      const passwordHash = await app.passwords.hash(password)
      try {
        const user = await app.accounts.register({ email, name, passwordHash })
        app.securityEvents.record('user_created', { userId: user._id.toHexString(), email, address: request.ip })
        if (registrationDisclosure === 'hidden') return reply.code(202).send({ status: 'accepted' as const })
        return reply.code(201).send(publicUser(user))
      } catch (error) {
        const isTaken = error instanceof Problem && error.code === 'email_taken'
        if (!isTaken || registrationDisclosure === 'open') throw error
        app.accounts.tellRegistered(email)
        return reply.code(202).send({ status: 'accepted' as const })
      }
    },
  )
}

export default register
