import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { disableUser, enableUser } from '../../../../plugins/app/accounts/account-changes.ts'
import { existingUser, unlockUser } from '../../../../plugins/app/accounts/administration.ts'
import type { Administrator } from '../../../../plugins/app/accounts/administrator.ts'
import { invalidatePassword } from '../../../../plugins/app/accounts/password-change.ts'
import { resetFactors } from '../../../../plugins/app/mfa/removal.ts'
import type { ProblemCode } from '../../../../plugins/app/problems/problem.ts'
import type { StoredUser } from '../../../../plugins/app/users/user.ts'
import { UserParameters } from '../../../../schemas/admin.ts'
import { noContent } from '../../../../schemas/auth.ts'
import { administratorOf } from '../administrator.ts'

interface Action {
  path: string
  operationId: string
  summary: string
  /** Description of the response. */
  done: string
  problems: ProblemCode[]
  act(user: StoredUser, by: Administrator): Promise<unknown>
}

/** Actions of administrators on a user: each is a POST without a body, safe to repeat. */
const userActions: FastifyPluginAsyncTypebox = async (app) => {
  const actions: Action[] = [
    {
      path: 'disable',
      operationId: 'disableUser',
      summary: 'Disable a user',
      done: 'The user is disabled, and all their sessions have ended',
      problems: ['last_admin', 'user_changed', 'busy'],
      act: (user) => disableUser(app, user),
    },
    {
      path: 'enable',
      operationId: 'enableUser',
      summary: 'Enable a disabled user',
      done: 'The user is enabled',
      problems: ['user_changed'],
      act: (user) => enableUser(app, user),
    },
    {
      path: 'unlock',
      operationId: 'unlockUser',
      summary: 'Clear the failed logins to an account, from all addresses',
      done: 'The account is unlocked for all addresses, on every server',
      problems: ['limits_unavailable'],
      act: (user) => unlockUser(app, user),
    },
    {
      path: 'sessions/revoke',
      operationId: 'revokeUserSessions',
      summary: 'End all sessions of a user',
      done: 'All sessions of the user have ended, on every server',
      problems: ['busy'],
      act: (user) => app.revocation.revokeUser(user._id.toString(), 'admin'),
    },
    {
      path: 'password/reset',
      operationId: 'resetUserPassword',
      summary: 'Invalidate the password of a user, and mail a link to choose a new one',
      done: 'The password is invalid, all sessions have ended, and the link is being sent',
      problems: ['mail_not_configured', 'user_changed', 'busy'],
      act: (user, by) => invalidatePassword(app, user, by),
    },
  ]
  if (app.mfa.isOn) {
    actions.push({
      path: 'mfa/reset',
      operationId: 'resetUserFactors',
      summary: 'Remove all second factors and recovery codes of a user, and notify the user by mail',
      done: 'The second factors are removed, and all sessions of the user have ended',
      problems: ['busy'],
      act: (user, by) => resetFactors(app, user, by),
    })
  }
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
        const by = administratorOf(request)
        const user = await existingUser(app, request.params.id)
        await act(user, by)
        const event = { userId: user._id.toString(), address: by.address, reason: `${path} by ${by.id}` }
        app.securityEvents.record('authz_admin', event)
        return reply.code(204).send(null)
      },
    )
  }
}

export default userActions
