import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { renameFactor as rename } from '../../../../plugins/app/mfa/rename.ts'
import { FactorChange, FactorParameters, SecondFactor } from '../../../../schemas/mfa.ts'
import { factorResponse } from './factor-response.ts'

const renameFactor: FastifyPluginAsyncTypebox = async (app) => {
  app.patch(
    '/me/mfa/factors/:id',
    {
      schema: {
        operationId: 'renameMyFactor',
        summary: 'Rename a second factor',
        tags: ['second factors'],
        security: [{ bearer: [] }],
        params: FactorParameters,
        body: FactorChange,
        response: { 200: SecondFactor },
        problems: ['not_found', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { user } = await app.authenticateUser(request)
      const { id } = request.params
      return factorResponse(await rename(app, user, id, request.body.name, app.callerOf(request, reply)))
    },
  )
}

export default renameFactor
