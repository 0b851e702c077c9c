import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'
import {
  type ClientSession,
  type Db,
  MongoClient,
  type MongoClientOptions,
  MongoError,
  MongoServerError,
} from 'mongodb'
import type { Config } from '../../config.ts'
import { problem } from '../app/problems/problem.ts'
import { type PoolUse, watchPools } from './mongo-pool.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Source of truth for users, sessions and revocations. */
    mongo: {
      client: MongoClient
      db: Db
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
const retryMilliseconds = 300
/** At most, before a transaction that met another one is tried again. */
const retryTransactionMilliseconds = 20

/** @param options for whoever waits longer than a request may: an index takes its time */
export function mongoClient(
  { mongodb }: Config,
  options: Pick<MongoClientOptions, 'socketTimeoutMS'> = {},
): MongoClient {
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
    ...options,
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

/**
 * A transaction that gives up while somebody still waits for it. The driver's own `withTransaction` goes on for two
 * minutes.
 */
export async function transaction<Result>(
  client: MongoClient,
  work: (transaction: ClientSession) => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + mostMilliseconds
  await using session = client.startSession()
  const isWorthAnother = (error: unknown, label: string) =>
    error instanceof MongoError && error.hasErrorLabel(label) && performance.now() < deadline
  for (;;) {
    session.startTransaction()
    try {
      const result = await work(session)
      await untilCommitted(session, (error) => isWorthAnother(error, 'UnknownTransactionCommitResult'))
      return result
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction()
      if (!isWorthAnother(error, 'TransientTransactionError')) throw asBusy(error)
      await setTimeout(Math.random() * retryTransactionMilliseconds)
    }
  }
}

/** Others were faster again and again: nothing is wrong with the request. */
function asBusy(error: unknown): unknown {
  const isConflict = error instanceof MongoServerError && error.codeName === 'WriteConflict'
  return isConflict
    ? problem(503, 'busy', 'Too many changes of the same thing at a time.', { retryAfterSeconds: 1, cause: error })
    : error
}

async function untilCommitted(session: ClientSession, isWorthAnother: (error: unknown) => boolean): Promise<void> {
  for (;;) {
    try {
      return await session.commitTransaction()
    } catch (error) {
      if (!isWorthAnother(error)) throw error
    }
  }
}

export default fp(
  async function mongo(app) {
    const client = mongoClient(app.config)
    const closing = new AbortController()
    app.decorate('mongo', {
      client,
      poolUse: watchPools(client),
      db: client.db(app.config.mongodb.database),
      transaction: (work) => transaction(client, work),
    })
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
