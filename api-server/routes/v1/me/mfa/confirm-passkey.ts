import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { enrollingUser, recordLoginByEnrolment } from '../../../../plugins/app/mfa/enrolling-user.ts'
import { confirmPasskey as confirm } from '../../../../plugins/app/passkeys/registration.ts'
import { enrolledResponse } from '../../../../schemas/mfa.ts'
import { PasskeyConfirmation } from '../../../../schemas/passkeys.ts'
import { presentedBinding } from '../../auth/client-binding.ts'
import { enrolledAnswer } from './enrolled-answer.ts'

const confirmPasskey: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/passkeys/confirm',
    {
      schema: {
        operationId: 'confirmPasskey',
        summary: 'Add a passkey that the browser has created',
        description:
          'From then on, a login with the password needs a second factor. Ends all sessions, mailed links and known devices of the user, and answers with the tokens of a new session.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        body: PasskeyConfirmation,
        response: { 200: enrolledResponse(app.cookieMode.isOn) },
        problems: [
          'passkey_refused',
          'passkey_not_allowed',
          'passkey_taken',
          'mfa_too_many',
          'rate_limited',
          'busy',
          'not_ready',
          'database_unavailable',
        ],
      },
    },
    async (request, reply) => {
      const now = new Date()
      const { user, claims, isLogin } = await enrollingUser(app, request, presentedBinding(app, request), now)
      const caller = app.callerOf(request, reply)
      const enrolled = await confirm(app, user, claims, request.body, caller, now)
      if (isLogin) await recordLoginByEnrolment(app, user, enrolled.loggedIn, caller, now)
      return enrolledAnswer(app, request, reply, enrolled)
    },
  )
}

export default confirmPasskey
