import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { filterByFactors } from '../../../../plugins/app/mfa/filter-users.ts'
import { parseEmail } from '../../../../plugins/app/users/email.ts'
import { UserList, UserQuery, UserQueryWithFactors } from '../../../../schemas/admin.ts'
import { cursorOf, placeOf } from '../cursor.ts'
import { adminUser } from './admin-user.ts'

const listUsers: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'List users, or search by email, name, role and state',
        tags: ['admin'],
        security: [{ bearer: [] }],
        // Without second factors, the filter is refused. The handler has one type.
        querystring: app.mfa.isOn ? UserQueryWithFactors : (UserQuery as typeof UserQueryWithFactors),
        response: { 200: UserList },
        problems: ['forbidden', 'rate_limited', 'database_unavailable', 'cursor_invalid'],
      },
    },
    async ({ query: { email_prefix: prefix, name, role, state, second_factor: factors, cursor, limit = '50' } }) => {
      const { users, next } = await app.users.list({
        ...(prefix !== undefined && { prefix: parseEmail(prefix, '/email_prefix') }),
        ...(name !== undefined && { name }),
        ...(role !== undefined && { role }),
        ...(state !== undefined && { isActive: state === 'active' }),
        ...(cursor !== undefined && { after: placeOf(cursor, (place) => /^[ei]/.test(place)) }),
        limit: Number(limit),
      })
      const page = await filterByFactors(app, users, factors)
      return { users: page.map(adminUser), next_cursor: next === null ? null : cursorOf(next) }
    },
  )
}

export default listUsers
