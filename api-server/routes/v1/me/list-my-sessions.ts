import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { listOwnSessions } from '../../../plugins/app/sessions/own-sessions.ts'
import { SessionList } from '../../../schemas/accounts.ts'

const listMySessions: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/me/sessions',
    {
      schema: {
        operationId: 'listMySessions',
        summary: 'List the sessions of the user',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        response: { 200: SessionList },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub: userId, sid } = await app.authenticate(request)
      const sessions = await listOwnSessions(app, userId, app.callerOf(request, reply), new Date())
      reply.header('cache-control', 'no-store')
      return {
        sessions: sessions.map((session) => ({
          id: session._id,
          device: session.device ?? null,
          address: session.address ?? null,
          ...(session.oauth !== undefined && {
            client: app.oidc?.nameOf(session.oauth.clientId) ?? session.oauth.clientId,
          }),
          created_at: session.createdAt.toISOString(),
          last_used_at: session.lastUsedAt.toISOString(),
          current: session._id === sid,
        })),
      }
    },
  )
}

export default listMySessions
