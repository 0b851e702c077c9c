import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { changeUserClaims, readUserClaims } from '../../../../plugins/app/user-claims/change-claims.ts'
import { UserParameters } from '../../../../schemas/admin.ts'
import { UserClaims, UserClaimsChange } from '../../../../schemas/user-claims.ts'
import { userClaimsAnswer } from '../../user-claims-answer.ts'
import { administratorOf } from '../administrator.ts'

const userClaims: FastifyPluginAsyncTypebox = async (app) => {
  const common = { tags: ['admin'], security: [{ bearer: [] }], params: UserParameters }
  app.get(
    '/users/:id/claims',
    {
      schema: {
        ...common,
        operationId: 'getUserClaims',
        summary: 'Get the application roles and custom claims of a user',
        response: { 200: UserClaims },
        problems: ['forbidden', 'rate_limited', 'database_unavailable', 'not_found'],
      },
    },
    async ({ params: { id } }) => userClaimsAnswer(await readUserClaims(app, id)),
  )
  app.patch(
    '/users/:id/claims',
    {
      schema: {
        ...common,
        operationId: 'changeUserClaims',
        summary: 'Replace the application roles, the custom claims, or both, of a user',
        description:
          'Tokens carry them where the configuration says so: new tokens at once, existing ones until they are refreshed. ' +
          'End the sessions of the user to make a change take effect now.',
        body: UserClaimsChange,
        response: { 200: UserClaims },
        problems: ['forbidden', 'rate_limited', 'database_unavailable', 'not_found', 'busy'],
      },
    },
    async (request) => {
      const { params, body } = request
      return userClaimsAnswer(await changeUserClaims(app, params.id, body, administratorOf(request)))
    },
  )
}

export default userClaims
