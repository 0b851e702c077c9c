import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { type ClientSession, type Db, MongoClient, type MongoClientOptions } from 'mongodb'
import type { Config } from '../../config.ts'
import { DependencyWatch } from './dependency-watch.ts'
import { LeftTransactions } from './left-transactions.ts'
import { type PoolUse, watchPools } from './mongo-pool.ts'
import { transaction } from './transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Source of truth for users, sessions and revocations. */
    mongo: {
      client: MongoClient
      db: Db
      /** Whether the primary answers. */
      watch: DependencyWatch
      /** Connections now, of the fullest pool. */
      poolUse(): PoolUse
      /** All writes of `work` or none, read from one snapshot. It may run more than once: what it does is in its writes. */
      transaction<Result>(work: (transaction: ClientSession) => Promise<Result>): Promise<Result>
    }
  }
}

/** No request waits longer for a database that is away. */
const mostMilliseconds = 1_000
/** Between attempts to reach a database that has never answered yet. */
const leastRetryMilliseconds = 100
const mostRetryMilliseconds = 2_000

export function mongoClient({ mongodb }: Config, options: MongoClientOptions = {}): MongoClient {
  return new MongoClient(mongodb.url, {
    appName: 'authservice',
    minPoolSize: mongodb.minPoolSize,
    maxPoolSize: mongodb.maxPoolSize,
    serverSelectionTimeoutMS: mostMilliseconds,
    connectTimeoutMS: mostMilliseconds,
    waitQueueTimeoutMS: mostMilliseconds,
    // Longer than a request waits, which the watch ends: for what goes on in the background.
    socketTimeoutMS: 5_000,
    heartbeatFrequencyMS: 2_000,
    writeConcern: { w: 'majority', wtimeoutMS: mostMilliseconds },
    readConcern: { level: 'majority' },
    retryWrites: true,
    ...(mongodb.caFile !== undefined && { tls: true, tlsCAFile: mongodb.caFile }),
    ...options,
  })
}

/** An index takes longer to build than a request may wait. */
export function migrationClient(config: Config): MongoClient {
  return mongoClient(config, { minPoolSize: 0, socketTimeoutMS: 0, writeConcern: { w: 'majority' } })
}

/**
 * Resolves once MongoDB has answered for the first time, or when the signal comes. From then on the client reconnects
 * by itself; but one whose first attempt failed stays closed until it is told to connect again.
 *
 * @param onFailure told of each attempt that failed, counted from 1
 */
export async function connectOnceThere(
  client: MongoClient,
  { signal, onFailure }: { signal?: AbortSignal; onFailure?: (error: unknown, attempt: number) => void } = {},
): Promise<void> {
  for (let attempt = 1; signal?.aborted !== true; attempt++) {
    try {
      await client.connect()
      return
    } catch (error) {
      onFailure?.(error, attempt)
      const pause = Math.min(leastRetryMilliseconds * 2 ** (attempt - 1), mostRetryMilliseconds)
      await setTimeout(pause, undefined, signal && { signal }).catch(() => {}) // the signal
    }
  }
}

export default fp(
  async function mongo(app) {
    const client = mongoClient(app.config, { monitorCommands: true })
    const db = client.db(app.config.mongodb.database)
    if (app.config.mongodb.allowInsecure)
      app.log.warn('MongoDB on another host may be in plain text: ALLOW_INSECURE_MONGODB')
    const closing = new AbortController()
    const watch = new DependencyWatch({
      ping: () => db.command({ ping: 1 }, { readPreference: 'primary' }),
      onAway: (error) =>
        app.log.error({ err: error }, 'MongoDB is away: what needs it is answered with 503 until it is back'),
      onBack: () => {
        app.log.info('MongoDB answers')
        void leftTransactions.end()
      },
    })
    const leftTransactions = new LeftTransactions({
      kill: (sessions) => client.db('admin').command({ killSessions: sessions }),
      isUp: () => watch.isUp,
      onFailure: (error) => app.log.warn({ err: error }, 'transactions that were left open are ended later'),
    })
    client.on('commandSucceeded', () => watch.noteAnswer())
    app.decorate('mongo', {
      client,
      db,
      watch,
      poolUse: watchPools(client),
      transaction: (work) => transaction(client, (session) => void leftTransactions.add(session), work),
    })
    // In the background: the server answers its probes while it waits for its database.
    const connecting = connectOnceThere(client, {
      signal: closing.signal,
      onFailure: (error, attempt) => {
        if (Number.isInteger(Math.log2(attempt))) app.log.warn({ err: error, attempt }, 'waiting for MongoDB')
      },
    })
    void connecting.then(() => {
      if (!closing.signal.aborted) watch.start()
    })
    await watch.firstAnswer(mostMilliseconds)
    app.addHook('onClose', async () => {
      closing.abort()
      await connecting
      watch.stop()
      await client.close()
    })
  },
  { name: 'mongo', dependencies: ['config'] },
)
