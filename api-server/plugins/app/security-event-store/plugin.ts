import fp from 'fastify-plugin'
import { MongoBulkWriteError, ObjectId } from 'mongodb'
import { type RecordedEvent, retentionOf, type SecurityEventName } from '../observability/security-events.ts'
import { EventBuffer } from './event-buffer.ts'

/** A security event in the database, as in the log. */
interface StoredEvent extends Omit<RecordedEvent, 'event'> {
  event: string
  /** IDs increase with time: the newest is the greatest. */
  _id: ObjectId
  at: Date
  /** Time at which MongoDB removes it. */
  expiresAt: Date
}

interface EventFilter {
  userId?: string
  event?: string
  /** Events before the one with this id: 24 hexadecimal digits. */
  before?: string
  limit: number
}

declare module 'fastify' {
  interface FastifyInstance {
    securityEventStore: {
      /** The newest first. */
      list(filter: EventFilter): Promise<StoredEvent[]>
      /** Resolves when all events until now are written or have failed. */
      flush(): Promise<void>
    }
  }
}

const maxWaiting = 10_000
const batch = 500
const everyMilliseconds = 250

const day = 86_400

/** How long the database keeps an event; 0: it is not stored. @param retention SECURITY_EVENTS_RETENTION in seconds */
export function keptSeconds(event: SecurityEventName, retention: number): number {
  const keeping = retentionOf[event]
  switch (keeping) {
    case 'kept':
      return retention
    case 'routine':
      return Math.min(retention, 30 * day)
    case 'refusal':
      return Math.min(retention, 7 * day)
    case 'logged':
      return 0
  }
}

/** Stores security events for administrators, in addition to the log, without delaying requests. */
export default fp(
  async function securityEventStore(app) {
    const events = app.mongo.db.collection<StoredEvent>('security_events')
    const stale = app.mongo.db.collection<StoredEvent>('security_events', {
      readPreference: app.config.mongodb.readPreference,
    })
    const buffer = new EventBuffer<StoredEvent>({
      most: maxWaiting,
      batch,
      everyMilliseconds,
      write: async (entries) => {
        try {
          await events.insertMany(entries, { ordered: false, writeConcern: { w: 1 } })
        } catch (error) {
          // A batch whose response was lost is sent again, so its entries may already exist.
          if (!(error instanceof MongoBulkWriteError && error.code === 11_000)) throw error
        }
      },
      onDropped: (count) => app.metrics.eventsDropped.inc(count),
      onFailure: (error) => app.log.warn({ err: error }, 'security events wait for the database; they are in the log'),
    })
    app.securityEvents.subscribe((event) => {
      const at = event.at ?? new Date()
      const seconds = keptSeconds(event.event, app.config.securityEventsRetentionSeconds)
      if (seconds === 0) return
      buffer.add({ _id: new ObjectId(), ...event, at, expiresAt: new Date(at.getTime() + seconds * 1000) })
    })
    const flush = () => {
      app.securityEvents.endWindow()
      return buffer.flush()
    }
    app.addHook('preClose', flush)

    app.decorate('securityEventStore', {
      list: ({ userId, event, before, limit }) =>
        stale
          .find({
            ...(userId !== undefined && { userId }),
            ...(event !== undefined && { event }),
            ...(before !== undefined && { _id: { $lt: new ObjectId(before) } }),
          })
          .sort({ _id: -1 })
          .limit(limit)
          .toArray(),
      flush,
    })
  },
  { name: 'security-event-store', dependencies: ['config', 'mongo', 'metrics', 'security-events'] },
)
