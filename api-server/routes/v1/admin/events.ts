import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventList, EventQuery } from '../../../schemas/admin.ts'
import { cursorOf, placeOf } from './cursor.ts'

const events: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/events',
    {
      schema: {
        operationId: 'listSecurityEvents',
        summary: 'List security events, newest first',
        tags: ['admin'],
        security: [{ bearer: [] }],
        querystring: EventQuery,
        response: { 200: EventList },
        problems: ['forbidden', 'rate_limited', 'cursor_invalid', 'database_unavailable'],
      },
    },
    async ({ query: { user_id: userId, event, cursor, limit = '50' } }) => {
      const before = cursor === undefined ? undefined : placeOf(cursor, (place) => /^[0-9a-f]{24}$/.test(place))
      const found = await app.securityEventStore.list({
        ...(userId !== undefined && { userId }),
        ...(event !== undefined && { event }),
        ...(before !== undefined && { before }),
        limit: Number(limit) + 1,
      })
      const page = found.slice(0, Number(limit))
      const last = page.at(-1)
      return {
        events: page.map((entry) => ({
          id: entry._id.toHexString(),
          at: entry.at.toISOString(),
          event: entry.event,
          ...(entry.userId !== undefined && { user_id: entry.userId }),
          ...(entry.clientId !== undefined && { client_id: entry.clientId }),
          ...(entry.sessionId !== undefined && { session_id: entry.sessionId }),
          ...(entry.emailHash !== undefined && { email_hash: entry.emailHash }),
          ...(entry.address !== undefined && { address: entry.address }),
          ...(entry.reason !== undefined && { reason: entry.reason }),
          ...(entry.count !== undefined && { count: entry.count }),
        })),
        next_cursor: found.length > page.length && last !== undefined ? cursorOf(last._id.toHexString()) : null,
      }
    },
  )
}

export default events
