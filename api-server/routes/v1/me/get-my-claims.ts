import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UserClaims } from '../../../schemas/user-claims.ts'

const getMyClaims: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me/claims',
    {
      schema: {
        operationId: 'getMyClaims',
        summary: 'The application roles and custom claims of the user, which administrators set',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: { 200: UserClaims },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user } = await app.authenticateUser(request)
      const { limits } = app.callerOf(request, reply)
      await limits.use({ name: 'profile', subject: user._id.toString(), rate: app.config.limits.profile })
      const { roles, claims } = await app.userClaims.store.of(user._id)
      reply.header('cache-control', 'no-store')
      return { roles: [...roles], claims }
    },
  )
}

export default getMyClaims
