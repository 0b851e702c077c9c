import { readFileSync } from 'node:fs'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import type { Config } from '../../config.ts'
import { DependencyWatch } from './dependency-watch.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** News between servers and counters of limits. A command fails at once while Redis is away. */
    redis: Redis
    /** Whether Redis answers. */
    redisWatch: DependencyWatch
  }
}

/** The start does not wait longer: the server answers its probes while it waits for Redis. */
const mostStartMilliseconds = 1_000

/** Tells the watch what is asked and answered. */
class WatchedRedis extends Redis {
  dependencyWatch: DependencyWatch | undefined

  // All commands go through it, those of pipelines as well.
  override sendCommand(...sent: Parameters<Redis['sendCommand']>): unknown {
    const [command] = sent
    this.dependencyWatch?.noteQuestion()
    command.promise.then(
      () => this.dependencyWatch?.noteAnswer(),
      () => {}, // whoever sent it is told
    )
    return super.sendCommand(...sent)
  }
}

/** A client that connects in the background, again and again. */
export function redisClient({ redis }: Pick<Config, 'redis'>): WatchedRedis {
  const { host, port, keyPrefix, password, tls, caFile } = redis
  return new WatchedRedis({
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
    let lastError: unknown
    client.on('error', (error) => {
      lastError = error // the watch tells
    })
    const watch = new DependencyWatch({
      ping: async () => {
        // Before that the client would keep the question for itself.
        if (client.status !== 'ready') throw lastError ?? new Error('not connected')
        await client.ping()
      },
      onAway: (error) => {
        app.log.warn(
          { err: error },
          'Redis is away: limits are counted by each server alone, revocations go by MongoDB',
        )
        // One that hangs would hold each command for its time-out; without a connection they fail at once.
        if (client.status === 'ready') client.disconnect(true)
      },
      onBack: () => app.log.info('Redis answers'),
    })
    client.dependencyWatch = watch
    app.decorate('redis', client)
    app.decorate('redisWatch', watch)
    watch.start()
    await watch.firstAnswer(mostStartMilliseconds)
    if (!watch.isUp)
      app.log.warn({ err: lastError }, 'waiting for Redis: until it has answered once, this server is not ready')
    app.addHook('onClose', async () => {
      watch.stop()
      client.disconnect()
    })
  },
  { name: 'redis', dependencies: ['config'] },
)
