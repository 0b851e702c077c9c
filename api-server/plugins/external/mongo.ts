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

export default fp(
  async function mongo(app) {
    const client = mongoClient(app.config)
    app.decorate('mongo', { client, db: client.db(app.config.mongodb.database) })
    app.addHook('onClose', () => client.close())
  },
  { name: 'mongo', dependencies: ['config'] },
)
