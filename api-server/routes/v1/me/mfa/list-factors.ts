import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { listFactors as readFactors } from '../../../../plugins/app/mfa/list-factors.ts'
import { SecondFactors } from '../../../../schemas/mfa.ts'
import { factorResponse } from './factor-response.ts'

const listFactors: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me/mfa',
    {
      schema: {
        operationId: 'listMyFactors',
        summary: 'List the second factors of the user',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        response: { 200: SecondFactors },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user } = await app.authenticateUser(request)
      const { factors, recoveryCodesLeft } = await readFactors(app, user._id.toString(), app.callerOf(request, reply))
      const requiredFrom = await app.mfa.policy.requiredFrom(user, new Date())
      return {
        required_from: requiredFrom?.toISOString() ?? null,
        factors: factors.map(factorResponse),
        recovery_codes_left: recoveryCodesLeft,
        allowed_types: [...app.config.mfa.allowedTypes],
      }
    },
  )
}

export default listFactors
