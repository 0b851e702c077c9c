import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { confirmPasskey as confirm } from '../../../../plugins/app/passkeys/registration.ts'
import { enrolledResponse } from '../../../../schemas/mfa.ts'
import { PasskeyConfirmation } from '../../../../schemas/passkeys.ts'
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
    async (request, reply) =>
      enrolledAnswer(app, request, reply, (user, claims, caller, now) =>
        confirm(app, user, claims, request.body, caller, now),
      ),
  )
}

export default confirmPasskey
