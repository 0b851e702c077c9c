import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'
import {
  type ClientSession,
  type Db,
  MongoClient,
  type MongoClientOptions,
  MongoStalePrimaryError,
  type TopologyDescription,
} from 'mongodb'
import type { Config } from '../../config/config.ts'
import { DependencyWatch } from './dependency-watch.ts'
import { type PoolUse, watchPools } from './mongo-pool.ts'
import { OrphanedTransactions } from './orphaned-transactions.ts'
import { transaction } from './transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Source of truth for users, sessions and revocations. */
    mongo: {
      client: MongoClient
      db: Db
      /** Hosts and ports in the connection string. */
      address: string
      /** Whether the primary is available. */
      watch: DependencyWatch
      /** Called whenever a primary is found: at startup, after an outage, and after an election. */
      onPrimaryFound(listener: () => void): void
      /** Current connections of the fullest pool. */
      poolUse(): PoolUse
      /**
       * Runs `work` in a transaction with snapshot reads. It may run more than once, so its only effects must be its
       * writes.
       */
      transaction<Result>(work: (transaction: ClientSession) => Promise<Result>): Promise<Result>
    }
  }
}

/** No request waits longer for an unavailable database. */
const maxMilliseconds = 1_000
/** Delay between attempts to reach a database that has never answered. */
const minRetryMilliseconds = 100
const maxRetryMilliseconds = 2_000

function mongoClient({ mongodb }: Config, options: MongoClientOptions = {}): MongoClient {
  return new MongoClient(mongodb.url, {
    appName: 'authservice',
    minPoolSize: mongodb.minPoolSize,
    maxPoolSize: mongodb.maxPoolSize,
    serverSelectionTimeoutMS: maxMilliseconds,
    connectTimeoutMS: maxMilliseconds,
    waitQueueTimeoutMS: maxMilliseconds,
    // Longer than a request waits, which the watch limits: for work in the background.
    socketTimeoutMS: 5_000,
    heartbeatFrequencyMS: 2_000,
    writeConcern: { w: 'majority', wtimeoutMS: maxMilliseconds },
    readConcern: { level: 'majority' },
    retryWrites: true,
    ...(mongodb.caFile !== undefined && { tls: true, tlsCAFile: mongodb.caFile }),
    ...options,
  })
}

/** Building an index takes longer than a request may wait. */
export function migrationClient(config: Config): MongoClient {
  return mongoClient(config, { minPoolSize: 0, socketTimeoutMS: 0, writeConcern: { w: 'majority' } })
}

/**
 * Resolves after the first answer of MongoDB, or when the signal comes. After that, the client reconnects without
 * help. A client whose first attempt failed does not try again.
 *
 * @param onFailure called with each failed attempt, counted from 1
 */
export async function connectWithRetry(
  client: MongoClient,
  { signal, onFailure }: { signal?: AbortSignal; onFailure?: (error: unknown, attempt: number) => void } = {},
): Promise<void> {
  for (let attempt = 1; signal?.aborted !== true; attempt++) {
    try {
      await client.connect()
      return
    } catch (error) {
      onFailure?.(error, attempt)
      const pause = Math.min(minRetryMilliseconds * 2 ** (attempt - 1), maxRetryMilliseconds)
      await setTimeout(pause, undefined, signal && { signal }).catch(() => {}) // the signal
    }
  }
}

export default fp(
  async function mongo(app) {
    const client = mongoClient(app.config, { monitorCommands: true })
    const db = client.db(app.config.mongodb.database)
    if (app.config.mongodb.allowInsecure)
      app.log.warn('unencrypted connections to MongoDB on another host are allowed: ALLOW_INSECURE_MONGODB')
    const address = client.options.hosts.map(String).join()
    const closing = new AbortController()
    const replaced = new ReplacedReplicaSet(async () => {
      app.log.warn('the replica set of MongoDB was recreated, for example on a new volume: opening a new connection')
      await client.close()
      await connectWithRetry(client, { signal: closing.signal })
    })
    const watch = new DependencyWatch({
      ping: async () => {
        try {
          await db.command({ ping: 1 }, { readPreference: 'primary' })
          replaced.notePrimary()
        } catch (error) {
          replaced.noteFailure(error)
          throw error
        }
      },
      onDown: (error) =>
        app.log.error(
          { err: error },
          `MongoDB at ${address} is unavailable: routes that need it answer 503 until it has recovered`,
        ),
      onUp: () => {
        app.log.info('MongoDB is available')
        void orphanedTransactions.end()
      },
    })
    const orphanedTransactions = new OrphanedTransactions({
      kill: (sessions) => client.db('admin').command({ killSessions: sessions }),
      isUp: () => watch.isUp,
      onFailure: (error) => app.log.warn({ err: error }, 'orphaned transactions will be ended later'),
    })
    client.on('commandSucceeded', () => watch.noteAnswer())
    app.decorate('mongo', {
      client,
      db,
      address,
      watch,
      onPrimaryFound: (listener) => followPrimary(client, listener),
      poolUse: watchPools(client),
      transaction: (work) => transaction(client, (session) => void orphanedTransactions.add(session), work),
    })
    // In the background, because the server answers its probes while it waits for its database.
    const connecting = connectWithRetry(client, {
      signal: closing.signal,
      onFailure: (error, attempt) => {
        watch.noteFailure(error)
        if (Number.isInteger(Math.log2(attempt)))
          app.log.warn({ err: error, attempt }, `waiting for MongoDB at ${address}`)
      },
    })
    void connecting.then(() => {
      if (!closing.signal.aborted) watch.start()
    })
    await watch.firstAnswer(maxMilliseconds)
    app.addHook('onClose', async () => {
      closing.abort()
      await connecting
      watch.stop()
      await client.close()
    })
  },
  { name: 'mongo', dependencies: ['config'] },
)

/** Longer than a primary without a majority stays primary (election timeout, 10 s by default). */
const longestStaleMilliseconds = 15_000

/**
 * Detects a recreated replica set. Its elections count from one again, so the driver considers its primary stale and
 * rejects it permanently.
 * @see
 * https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-discovery-and-monitoring.md#electionid-and-setversion-comparison
 */
class ReplacedReplicaSet {
  readonly #reconnect: () => Promise<void>
  #since: number | undefined
  #isConnecting = false

  constructor(reconnect: () => Promise<void>) {
    this.#reconnect = reconnect
  }

  notePrimary(): void {
    this.#since = undefined
  }

  noteFailure(error: unknown): void {
    if (!(error instanceof Error && error.cause instanceof MongoStalePrimaryError)) {
      this.#since = undefined
      return
    }
    this.#since ??= performance.now()
    if (this.#isConnecting || performance.now() - this.#since < longestStaleMilliseconds) return
    this.#isConnecting = true
    void this.#reconnect().finally(() => {
      this.#isConnecting = false
      this.#since = undefined
    })
  }
}

/**
 * Calls the listener when another server becomes primary, and when the primary has restarted: every start of mongod has
 * another process ID. When a connection breaks, the driver first marks the server as unknown.
 * @see
 * https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-discovery-and-monitoring.md
 */
function followPrimary(client: MongoClient, listener: () => void): void {
  client.on('topologyDescriptionChanged', ({ previousDescription, newDescription }) => {
    const found = writableServers(newDescription)
    if (found !== '' && found !== writableServers(previousDescription)) listener()
  })
}

const writableTypes: ReadonlySet<string> = new Set(['RSPrimary', 'Standalone', 'Mongos', 'LoadBalancer'])

function writableServers({ servers }: TopologyDescription): string {
  return [...servers.values()]
    .filter(({ type }) => writableTypes.has(type))
    .map(({ address, topologyVersion }) => `${address} ${topologyVersion?.processId.toHexString() ?? ''}`)
    .sort()
    .join()
}
