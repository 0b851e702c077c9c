import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ProblemCode } from '../../../plugins/app/problems/problem.ts'
import type { StoredUser } from '../../../plugins/app/users/user.ts'
import { UserParameters } from '../../../schemas/admin.ts'
import { noContent } from '../../../schemas/auth.ts'
import { userOfPath } from './user-of-path.ts'

interface Action {
  path: string
  operationId: string
  summary: string
  /** Of the answer. */
  done: string
  problems: ProblemCode[]
  act(user: StoredUser): Promise<void>
}

/** What administrators do to a user: each a POST without a body, safe to repeat. */
const userActions: FastifyPluginAsyncTypebox = async (app) => {
  const actions: Action[] = [
    {
      path: 'disable',
      operationId: 'disableUser',
      summary: 'Let a user in no more',
      done: 'The user is disabled, and every session has ended',
      problems: ['last_admin', 'user_changed', 'busy'],
      act: (user: StoredUser) => app.accounts.disable(user),
    },
    {
      path: 'enable',
      operationId: 'enableUser',
      summary: 'Let a disabled user in again',
      done: 'The user is enabled',
      problems: ['user_changed'],
      act: (user: StoredUser) => app.accounts.enable(user),
    },
    {
      path: 'unlock',
      operationId: 'unlockUser',
      summary: 'Forget the failed log-ins to an account, from wherever',
      done: 'Nobody is locked out of the account',
      problems: [],
      act: (user: StoredUser) => app.loginAttempts.unlock(user),
    },
    {
      path: 'sessions/revoke',
      operationId: 'revokeUserSessions',
      summary: 'End every session of a user',
      done: 'Every session of the user has ended, on every server',
      problems: ['busy'],
      act: (user: StoredUser) => app.revocation.revokeUser(user._id.toHexString(), 'admin'),
    },
  ]
  for (const { path, operationId, summary, done, problems, act } of actions) {
    app.post(
      `/users/:id/${path}`,
      {
        schema: {
          operationId,
          summary,
          tags: ['admin'],
          security: [{ bearer: [] }],
          params: UserParameters,
          response: { 204: noContent(done) },
          problems: ['forbidden', 'not_found', 'rate_limited', 'database_unavailable', ...problems],
        },
      },
      async (request, reply) => {
        const user = await userOfPath(app, request.params.id)
        await act(user)
        const userId = user._id.toHexString()
        app.securityEvents.record('authz_admin', { userId, address: request.ip, reason: `${path} by ${request.admin}` })
        return reply.code(204).send(null)
      },
    )
  }
}

export default userActions
