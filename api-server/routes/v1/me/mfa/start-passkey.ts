import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { enrollingUser } from '../../../../plugins/app/mfa/enrolling-user.ts'
import { startPasskey as start } from '../../../../plugins/app/passkeys/registration.ts'
import { PasskeyCreationOptions, PasskeyStart } from '../../../../schemas/passkeys.ts'
import { presentedBinding } from '../../auth/client-binding.ts'

const startPasskey: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/passkeys',
    {
      schema: {
        operationId: 'startPasskey',
        summary: 'Begin to add a passkey',
        description:
          'Needs the current password, and a recent second factor if the user has one. The options are valid for a minute, once, and for this session. Nothing changes until the passkey is confirmed (confirmPasskey). Also accepts the enrolment_token of a login.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        body: PasskeyStart,
        response: { 200: PasskeyCreationOptions },
        problems: [
          'insufficient_user_authentication',
          'password_wrong',
          'password_too_long',
          'password_unusable',
          'mfa_too_many',
          'rate_limited',
          'locked',
          'busy',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const now = new Date()
      const { user, claims } = await enrollingUser(app, request, presentedBinding(app, request), now)
      return start(app, user, claims, request.body.current_password, app.callerOf(request, reply), now)
    },
  )
}

export default startPasskey
