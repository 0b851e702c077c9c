import { readFileSync } from 'node:fs'
import fp from 'fastify-plugin'
import { Redis, ReplyError } from 'ioredis'
import type { Config } from '../../config/config.ts'
import { DependencyWatch } from './dependency-watch.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Propagates revocations and counts limits. A command fails at once while Redis is unavailable. */
    redis: Redis
    /** Whether Redis accepts writes. */
    redisWatch: DependencyWatch
  }
}

/** Startup does not wait longer: the server answers its probes while it waits for Redis. */
const maxStartMilliseconds = 1_000

/** Reports requests and answers to the watch. */
class WatchedRedis extends Redis {
  dependencyWatch: DependencyWatch | undefined

  // All commands pass through it, including those of pipelines.
  override sendCommand(...sent: Parameters<Redis['sendCommand']>): unknown {
    const [command] = sent
    this.dependencyWatch?.noteRequest()
    command.promise.then(
      () => this.dependencyWatch?.noteAnswer(),
      (error: unknown) => {
        // A Redis that is full, or a replica, answers reads but refuses writes. The caller gets the error.
        if (error instanceof ReplyError) this.dependencyWatch?.noteRefusal()
      },
    )
    return super.sendCommand(...sent)
  }
}

/**
 * Errors of a server that is not the primary: after a planned failover, the old primary keeps its connections open and
 * refuses every write. The name now leads to another server, so the client reconnects. Errors of scripts contain the
 * code after other text.
 * @see https://redis.io/docs/latest/develop/reference/sentinel-clients/#step-4-handling-reconnections
 */
const wrongServer = /(?:^|[\s-])(?:READONLY|LOADING|MASTERDOWN) /

/** A client that connects and reconnects in the background. */
export function redisClient({ redis }: Pick<Config, 'redis'>): WatchedRedis {
  const { host, port, keyPrefix, password, tls, caFile } = redis
  return new WatchedRedis({
    host,
    port,
    // Deployments that share a Redis do not share keys.
    keyPrefix,
    ...(password !== undefined && { password }),
    ...(tls && { tls: caFile === undefined ? {} : { ca: readFileSync(caFile) } }),
    connectionName: 'authservice',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 500,
    connectTimeout: 1_000,
    reconnectOnError: ({ message }) => wrongServer.test(message.slice(0, 200)),
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  })
}

export default fp(
  async function redis(app) {
    const client = redisClient(app.config)
    const { host, port } = app.config.redis
    let lastError: unknown
    client.on('error', (error) => {
      lastError = error // the watch reports it
    })
    const watch = new DependencyWatch({
      ping: async () => {
        // Before that, the client would queue the command.
        if (client.status !== 'ready') throw lastError ?? new Error('not connected')
        // A write, because a replica and a full Redis also answer PING.
        await client.set('auth:health', '1', 'PX', 60_000)
      },
      onDown: (error) => {
        app.log.warn(
          { err: error },
          `Redis at ${host}:${port} is unavailable: each server counts limits on its own and reads revocations from MongoDB`,
        )
        // A hanging Redis would delay each command by its timeout. Without a connection, commands fail at once.
        if (client.status === 'ready') client.disconnect(true)
      },
      onUp: () => app.log.info('Redis is available'),
    })
    client.dependencyWatch = watch
    app.decorate('redis', client)
    app.decorate('redisWatch', watch)
    watch.start()
    await watch.firstAnswer(maxStartMilliseconds)
    if (!watch.isUp)
      app.log.warn(
        { err: watch.failure ?? lastError },
        `waiting for Redis at ${host}:${port}: this server is not ready until Redis has answered once`,
      )
    app.addHook('onClose', async () => {
      watch.stop()
      client.disconnect()
    })
  },
  { name: 'redis', dependencies: ['config'] },
)
