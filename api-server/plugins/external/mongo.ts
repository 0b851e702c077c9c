import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { type Db, MongoClient } from 'mongodb'
import type { Config } from '../../config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Source of truth for users, sessions and revocations. */
    mongo: { client: MongoClient; db: Db }
  }
}

/** No request waits longer for a database that is away. */
const mostMilliseconds = 1_000
/** Between attempts to reach a database that has never answered yet. */
const retryMilliseconds = 300

export function mongoClient({ mongodb }: Config): MongoClient {
  return new MongoClient(mongodb.url, {
    appName: 'authservice',
    minPoolSize: mongodb.minPoolSize,
    maxPoolSize: mongodb.maxPoolSize,
    serverSelectionTimeoutMS: mostMilliseconds,
    connectTimeoutMS: mostMilliseconds,
    waitQueueTimeoutMS: mostMilliseconds,
    socketTimeoutMS: 5_000,
    heartbeatFrequencyMS: 2_000,
    writeConcern: { w: 'majority' },
    readConcern: { level: 'majority' },
    retryWrites: true,
    ...(mongodb.caFile !== undefined && { tls: true, tlsCAFile: mongodb.caFile }),
  })
}

/**
 * Resolves once MongoDB has answered for the first time, or when the signal comes. From then on the client reconnects
 * by itself; but one whose first attempt failed stays closed until it is told to connect again.
 *
 * @param onFailure told of each attempt that failed
 */
export async function connectOnceThere(
  client: MongoClient,
  { signal, onFailure }: { signal?: AbortSignal; onFailure?: (error: unknown) => void } = {},
): Promise<void> {
  while (signal?.aborted !== true) {
    try {
      await client.connect()
      return
    } catch (error) {
      onFailure?.(error)
      await setTimeout(retryMilliseconds)
    }
  }
}

export default fp(
  async function mongo(app) {
    const client = mongoClient(app.config)
    const closing = new AbortController()
    app.decorate('mongo', { client, db: client.db(app.config.mongodb.database) })
    // In the background: the server answers its probes while it waits for its database.
    const connecting = connectOnceThere(client, {
      signal: closing.signal,
      onFailure: (error) => app.log.debug({ err: error }, 'waiting for MongoDB'),
    })
    app.addHook('onClose', async () => {
      closing.abort()
      await connecting
      await client.close()
    })
  },
  { name: 'mongo', dependencies: ['config'] },
)
