import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Problem } from '../../../plugins/app/problems/problem.ts'
import { publicUser } from '../../../plugins/app/users/user.ts'
import { answers, Registration, User } from '../../../schemas/auth.ts'

const Accepted = Type.Object({ status: Type.Literal('accepted') })

const register: FastifyPluginAsyncTypebox = async (app) => {
  const { registrationDisclosure, limits } = app.config
  app.post(
    '/register',
    {
      schema: {
        summary: 'Register a user',
        tags: ['users'],
        body: Registration,
        response: answers({ 201: User, 202: Accepted }, 400, 409, 422, 429, 503),
      },
    },
    async (request, reply) => {
      await app.limits.use('register', request.ip, limits.register, request, reply)
      const { email, password, name } = request.body
      app.passwords.requireGood(password)
      const passwordHash = await app.passwords.hash(password)
      try {
        const user = await app.users.register({ email, name, passwordHash })
        app.securityEvents.record('user_created', { userId: user._id.toHexString(), email, address: request.ip })
        if (registrationDisclosure === 'hidden') return reply.code(202).send({ status: 'accepted' as const })
        return reply.code(201).send(publicUser(user))
      } catch (error) {
        const isTaken = error instanceof Problem && error.code === 'email_taken'
        if (isTaken && registrationDisclosure === 'hidden') return reply.code(202).send({ status: 'accepted' as const })
        throw error
      }
    },
  )
}

export default register
