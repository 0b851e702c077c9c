import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ObjectId } from 'mongodb'
import { problem } from '../../plugins/app/problems/problem.ts'
import type { Session } from '../../plugins/app/sessions/session.ts'
import { runningSessions } from '../../plugins/app/sessions/session-list.ts'
import { SessionList, SessionParameters } from '../../schemas/accounts.ts'
import { noContent } from '../../schemas/auth.ts'

const mySessions: FastifyPluginAsyncTypebox = async (app) => {
  const { limits } = app.config
  const sessions = app.mongo.db.collection<Session>('sessions')
  const schema = { tags: ['sessions'], security: [{ bearer: [] }] }

  app.get(
    '/me/sessions',
    {
      schema: {
        ...schema,
        operationId: 'listMySessions',
        summary: 'Where the user is logged in',
        response: { 200: SessionList },
        problems: ['rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub, sid } = await app.authenticate(request)
      await app.limits.use('profile', sub, limits.profile, request, reply)
      const running = await runningSessions(
        sessions,
        new ObjectId(sub),
        await app.revocation.versionOf(sub),
        new Date(),
      )
      reply.header('cache-control', 'no-store')
      return {
        sessions: running.map((session) => ({
          id: session._id,
          device: session.device ?? null,
          address: session.address ?? null,
          created_at: session.createdAt.toISOString(),
          last_used_at: session.lastUsedAt.toISOString(),
          current: session._id === sid,
        })),
      }
    },
  )

  app.delete(
    '/me/sessions/:sid',
    {
      schema: {
        ...schema,
        operationId: 'endMySession',
        summary: 'End one session of the user',
        params: SessionParameters,
        response: { 204: noContent('The session has ended, on every server') },
        problems: ['not_found', 'rate_limited', 'database_unavailable'],
      },
    },
    async (request, reply) => {
      const { sub: userId } = await app.authenticate(request)
      await app.limits.use('profile', userId, limits.profile, request, reply)
      const { sid: sessionId } = request.params
      const own = await sessions.findOne({ _id: sessionId, userId: new ObjectId(userId) }, { projection: { _id: 1 } })
      if (own === null) throw problem(404, 'not_found', 'You have no such session.')
      await app.revocation.revokeSession(sessionId, 'session_deleted')
      app.securityEvents.record('authn_token_revoked', { userId, sessionId, address: request.ip })
      return reply.code(204).send(null)
    },
  )
}

export default mySessions
