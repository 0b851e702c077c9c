import { readFileSync } from 'node:fs'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import type { Config } from '../../config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** News between servers and counters of limits. A command fails at once while Redis is away. */
    redis: Redis
  }
}

/** A client that connects in the background, again and again. */
export function redisClient({ redis }: Pick<Config, 'redis'>): Redis {
  const { host, port, keyPrefix, password, tls, caFile } = redis
  return new Redis({
    host,
    port,
    // Deployments that share a Redis share nothing in it.
    keyPrefix,
    ...(password !== undefined && { password }),
    ...(tls && { tls: caFile === undefined ? {} : { ca: readFileSync(caFile) } }),
    connectionName: 'authservice',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 500,
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  })
}

export default fp(
  async function redis(app) {
    const client = redisClient(app.config)
    let away = false
    client.on('error', (error) => {
      if (!away) app.log.warn({ err: error }, 'Redis is away: limits are counted by this server alone')
      away = true
    })
    client.on('ready', () => {
      if (away) app.log.info('Redis is back')
      away = false
    })
    app.decorate('redis', client)
    app.addHook('onClose', async () => client.disconnect())
  },
  { name: 'redis', dependencies: ['config'] },
)
