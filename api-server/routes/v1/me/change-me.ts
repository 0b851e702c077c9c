import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { changeProfile } from '../../../plugins/app/accounts/profile.ts'
import { requireStepUp } from '../../../plugins/app/mfa/step-up.ts'
import { parseNewEmail } from '../../../plugins/app/users/email.ts'
import { Profile, ProfileChange } from '../../../schemas/accounts.ts'
import { stepUpProblems } from '../step-up-problems.ts'
import { profileResponse } from './profile-response.ts'

const changeMe: FastifyPluginAsyncTypebox = async (app) => {
  app.patch(
    '/me',
    {
      schema: {
        operationId: 'changeMe',
        summary: 'Change the name, or request a change of email',
        description:
          'A new email needs the current password, and takes effect when the user opens the link that is sent to it.',
        tags: ['users'],
        security: [{ bearer: [] }],
        body: ProfileChange,
        response: { 200: Profile },
        problems: [
          ...stepUpProblems(app),
          'password_wrong',
          'password_too_long',
          'password_unusable',
          'user_changed',
          'mail_not_configured',
          'rate_limited',
          'locked',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const { name, email, current_password: currentPassword = '' } = request.body
      const change = { name, email: email === undefined ? undefined : parseNewEmail(email), currentPassword }
      const { user, claims } = await app.authenticateUser(request)
      if (change.email !== undefined) await requireStepUp(app, user, claims, new Date())
      const profile = await changeProfile(app, user, claims, change, app.callerOf(request, reply))
      reply.header('cache-control', 'no-store')
      return profileResponse(profile)
    },
  )
}

export default changeMe
