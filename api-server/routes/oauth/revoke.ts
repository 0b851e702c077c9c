import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { revokeToken } from '../../plugins/app/oauth-clients/revoke.ts'
import { noContent } from '../../schemas/auth.ts'
import { formType, TokenQuery } from '../../schemas/oauth.ts'

/** 200 and not 204, as the RFC requires. */
const ended = Type.Unsafe<undefined>(noContent('The token is invalid on every server'))

const revoke: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/revoke',
    {
      schema: {
        operationId: 'revokeToken',
        summary: 'End the session that a token belongs to (RFC 7009)',
        description: 'Also answers 200 for a token that is unknown or has already ended.',
        tags: ['oauth'],
        security: [{ client: [] }],
        consumes: [formType],
        body: TokenQuery,
        response: { 200: ended },
        problems: ['unsupported_token_type', 'invalid_client', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      await revokeToken(app, request.body.token, {
        clientId: request.clientId,
        mayUseOwnTokensOnly: request.mayUseOwnTokensOnly,
        address: request.ip,
      })
      return reply.code(200).send(undefined)
    },
  )
}

export default revoke
