import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { noContent } from '../../schemas/auth.ts'
import { formType, TokenQuery } from '../../schemas/oauth.ts'
import { claimsOf } from './claims-of.ts'

/** With 200 and not 204, as the RFC has it. */
const ended = Type.Unsafe<undefined>(noContent('The token is worth nothing, on every server'))

/** RFC 7009. Either token ends the whole session: with one of them left, whoever has it would go on. */
const revoke: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/revoke',
    {
      schema: {
        operationId: 'revokeToken',
        summary: 'End the session that a token belongs to (RFC 7009)',
        description: 'Answers 200 for a token that is not known or has ended as well: there is nothing left to do.',
        tags: ['oauth'],
        security: [{ client: [] }],
        consumes: [formType],
        body: TokenQuery,
        response: { 200: ended },
        problems: ['invalid_client', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const sessionId = await sessionOf(request.body.token)
      if (sessionId !== undefined) {
        await app.revocation.revokeSession(sessionId, 'client')
        const { clientId, ip: address } = request
        app.securityEvents.record('authn_token_revoked', { sessionId, address, reason: `client ${clientId}` })
      }
      return reply.code(200).send(undefined)
    },
  )

  async function sessionOf(token: string): Promise<string | undefined> {
    const claims = await claimsOf(app, token)
    if (claims !== undefined) return claims.sid
    const found = await app.sessions.inspect(token)
    return found === undefined || found.outcome === 'unknown' ? undefined : found.session._id
  }
}

export default revoke
