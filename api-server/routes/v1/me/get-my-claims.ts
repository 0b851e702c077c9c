import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { shownClaimsOf } from '../../../plugins/app/user-claims/change-claims.ts'
import { UserClaims } from '../../../schemas/user-claims.ts'
import { userClaimsAnswer } from '../user-claims-answer.ts'

const getMyClaims: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me/claims',
    {
      schema: {
        operationId: 'getMyClaims',
        summary: 'The application roles and custom claims of the user, from administrators and identity providers',
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
      const shown = await shownClaimsOf(app, user._id)
      reply.header('cache-control', 'no-store')
      return userClaimsAnswer(shown)
    },
  )
}

export default getMyClaims
