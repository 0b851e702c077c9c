import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { isActive, publicUser, type StoredUser } from '../../../plugins/app/users/user.ts'
import { AdminUser, NewUser, UserChange, UserList, UserParameters, UserQuery } from '../../../schemas/admin.ts'
import { noContent } from '../../../schemas/auth.ts'
import { cursorOf, placeOf } from './cursor.ts'
import { userOfPath } from './user-of-path.ts'

export function adminUser(user: StoredUser) {
  return {
    ...publicUser(user),
    is_active: isActive(user),
    updated_at: user.updated_at?.toISOString() ?? null,
  }
}

const users: FastifyPluginAsyncTypebox = async (app) => {
  const schema = { tags: ['admin'], security: [{ bearer: [] }] }
  const always = ['forbidden', 'rate_limited', 'database_unavailable'] as const

  const record = (event: 'user_created' | 'user_updated' | 'user_deleted', user: StoredUser, request: FastifyRequest) =>
    app.securityEvents.record(event, {
      userId: user._id.toHexString(),
      address: request.ip,
      reason: `by ${request.admin}`,
    })

  app.get(
    '/users',
    {
      schema: {
        ...schema,
        operationId: 'listUsers',
        summary: 'List users, or search them by the beginning of their email',
        querystring: UserQuery,
        response: { 200: UserList },
        problems: [...always, 'cursor_invalid'],
      },
    },
    async ({ query: { email_prefix: prefix, cursor, limit = '50' } }) => {
      const after = cursor === undefined ? undefined : placeOf(cursor, (place) => place.includes('@'))
      const found = await app.users.list({
        ...(prefix !== undefined && { prefix }),
        ...(after !== undefined && { after }),
        limit: Number(limit) + 1,
      })
      const page = found.slice(0, Number(limit))
      const last = page.at(-1)
      return {
        users: page.map(adminUser),
        next_cursor: found.length > page.length && last !== undefined ? cursorOf(last.email) : null,
      }
    },
  )

  app.post(
    '/users',
    {
      schema: {
        ...schema,
        operationId: 'createUser',
        summary: 'Make a user',
        body: NewUser,
        response: { 201: AdminUser },
        problems: [
          ...always,
          ...(['email_taken', 'busy', 'password_too_short', 'password_too_long'] as const),
          ...(['password_common', 'password_unusable'] as const),
        ],
      },
    },
    async (request, reply) => {
      const { email, name, password, role = 'user' } = request.body
      app.passwords.requireGood(password, { email, name })
      const passwordHash = await app.passwords.hash(password)
      const user = await app.accounts.register({ email, name, passwordHash, role })
      record('user_created', user, request)
      return reply.code(201).send(adminUser(user))
    },
  )

  app.get(
    '/users/:id',
    {
      schema: {
        ...schema,
        operationId: 'getUser',
        summary: 'One user',
        params: UserParameters,
        response: { 200: AdminUser },
        problems: [...always, 'not_found'],
      },
    },
    async ({ params: { id } }) => adminUser(await userOfPath(app, id)),
  )

  app.patch(
    '/users/:id',
    {
      schema: {
        ...schema,
        operationId: 'changeUser',
        summary: 'Change the name, email or role of a user',
        params: UserParameters,
        body: UserChange,
        response: { 200: AdminUser },
        problems: [...always, 'not_found', 'email_taken', 'last_admin', 'user_changed', 'busy'],
      },
    },
    async (request) => {
      const user = await userOfPath(app, request.params.id)
      const changed = await app.accounts.change(user, request.body)
      record('user_updated', user, request)
      return adminUser(changed)
    },
  )

  app.delete(
    '/users/:id',
    {
      schema: {
        ...schema,
        operationId: 'deleteUser',
        summary: 'Delete a user',
        params: UserParameters,
        response: { 204: noContent('The user is gone, and every session with it') },
        problems: [...always, 'not_found', 'last_admin', 'user_changed', 'busy'],
      },
    },
    async (request, reply) => {
      const user = await userOfPath(app, request.params.id)
      await app.accounts.delete(user)
      record('user_deleted', user, request)
      return reply.code(204).send(null)
    },
  )
}

export default users
