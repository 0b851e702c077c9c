import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { renewRecoveryCodes as renew } from '../../../../plugins/app/mfa/enrolment.ts'
import { RecoveryCodes } from '../../../../schemas/mfa.ts'

const renewRecoveryCodes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/me/mfa/recovery-codes',
    {
      schema: {
        operationId: 'renewRecoveryCodes',
        summary: 'Replace the recovery codes',
        description: 'Needs a recent second factor.',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        response: { 200: RecoveryCodes },
        problems: ['insufficient_user_authentication', 'not_found', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user, claims } = await app.authenticateUser(request)
      return { recovery_codes: await renew(app, user, claims, app.callerOf(request, reply), new Date()) }
    },
  )
}

export default renewRecoveryCodes
