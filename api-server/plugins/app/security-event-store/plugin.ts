import fp from 'fastify-plugin'
import { MongoBulkWriteError, ObjectId } from 'mongodb'
import type { RecordedEvent } from '../observability/security-events.ts'
import { EventBuffer } from './event-buffer.ts'

/** A security event in the database: what the log has of it as well. */
export interface StoredEvent extends Omit<RecordedEvent, 'event'> {
  event: string
  /** Ids grow with the time: the newest is the greatest. */
  _id: ObjectId
  at: Date
  /** MongoDB removes it then. */
  expiresAt: Date
}

export interface EventFilter {
  userId?: string
  event?: string
  /** Events before this one. */
  before?: ObjectId
  limit: number
}

declare module 'fastify' {
  interface FastifyInstance {
    securityEventStore: {
      /** The newest first. */
      list(filter: EventFilter): Promise<StoredEvent[]>
      /** Resolves when what was recorded until now is written, or could not be. */
      flush(): Promise<void>
    }
  }
}

const mostWaiting = 10_000
const batch = 500
const everyMilliseconds = 250

/** Keeps security events for administrators to read. Beside the log, never in the way of a request. */
export default fp(
  async function securityEventStore(app) {
    const events = app.mongo.db.collection<StoredEvent>('security_events')
    const stale = app.mongo.db.collection<StoredEvent>('security_events', {
      readPreference: app.config.mongodb.readPreference,
    })
    const lifetime = app.config.securityEventsRetentionSeconds * 1000
    const buffer = new EventBuffer<StoredEvent>({
      ...{ most: mostWaiting, batch, everyMilliseconds },
      write: async (entries) => {
        try {
          await events.insertMany(entries, { ordered: false, writeConcern: { w: 1 } })
        } catch (error) {
          // A batch whose answer was lost is sent again: then its entries are there already.
          if (!(error instanceof MongoBulkWriteError && error.code === 11_000)) throw error
        }
      },
      onDropped: (count) => app.metrics.eventsDropped.inc(count),
      onFailure: (error) => app.log.warn({ err: error }, 'security events wait for the database; the log has them'),
    })
    app.securityEvents.subscribe((event) => {
      const now = new Date()
      buffer.add({ _id: new ObjectId(), at: now, expiresAt: new Date(now.getTime() + lifetime), ...event })
    })
    app.addHook('preClose', () => buffer.flush())

    app.decorate('securityEventStore', {
      list: ({ userId, event, before, limit }) =>
        stale
          .find({
            ...(userId !== undefined && { userId }),
            ...(event !== undefined && { event }),
            ...(before !== undefined && { _id: { $lt: before } }),
          })
          .sort({ _id: -1 })
          .limit(limit)
          .toArray(),
      flush: () => buffer.flush(),
    })
  },
  { name: 'security-event-store', dependencies: ['config', 'mongo', 'metrics', 'security-events'] },
)
