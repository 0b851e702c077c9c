import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { introspectToken } from '../../plugins/app/oauth-clients/introspect.ts'
import { formType, Introspection, TokenQuery } from '../../schemas/oauth.ts'

const introspect: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/introspect',
    {
      // Access tokens can be checked without MongoDB; refresh tokens cannot.
      config: { worksWithoutDatabase: true },
      schema: {
        operationId: 'introspectToken',
        summary: 'Introspect a token (RFC 7662)',
        tags: ['oauth'],
        security: [{ client: [] }],
        consumes: [formType],
        body: TokenQuery,
        response: { 200: Introspection },
        problems: ['invalid_client', 'rate_limited', 'revocation_unknown', 'database_unavailable'],
      },
    },
    (request) => introspectToken(app, request.body.token, request),
  )
}

export default introspect
