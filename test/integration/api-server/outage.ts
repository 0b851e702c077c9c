import { expect, vi } from 'vitest'
import type { ServerEnvironment } from '../../../api-server/config.ts'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { startMongo, type TestMongo } from '../../servers/mongo.ts'
import { startRedis, type TestRedis } from '../../servers/redis.ts'
import { type Answer, type AppForTest, freshDatabase, startApp } from './app-for-test.ts'

/** A deployment whose databases a test may stop: they are nobody else's. */
export interface Deployment {
  mongo: TestMongo
  redis: TestRedis
  /** How many instances run. */
  readonly instances: number
  /** Another instance. */
  start(environment?: ServerEnvironment): Promise<AppForTest>
  remove(): Promise<void>
}

export async function startDeployment(): Promise<Deployment> {
  const [mongo, redis] = await Promise.all([startMongo(), startRedis()])
  const apps: AppForTest[] = []
  const shared = {
    MONGODB_URL: mongo.url,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    DATABASE_NAME: freshDatabase(),
  }
  return {
    mongo,
    redis,
    get instances() {
      return apps.length
    },
    async start(environment = {}) {
      const app = await startApp({ ...shared, ...environment })
      apps.push(app)
      return app
    },
    async remove() {
      await Promise.all(apps.map((app) => app.close()))
      await Promise.all([mongo.remove(), redis.stop()])
    },
  }
}

/** The two ways to be away: nobody listens, or somebody listens and never answers. */
export const waysToBeAway = {
  stopped: {
    begin: (server: TestMongo | TestRedis) => server.stop(),
    end: (server: TestMongo | TestRedis) => server.start(),
  },
  paused: {
    begin: async (server: TestMongo | TestRedis) => server.pause(),
    end: async (server: TestMongo | TestRedis) => server.resume(),
  },
} as const

/** What no request may take while a dependency is away: 1 s is promised, the rest is for a loaded machine. */
export const mostMilliseconds = 3_000

/** The answer, and how long it took. */
export async function timed(call: () => Promise<Answer>): Promise<Answer & { milliseconds: number }> {
  const started = performance.now()
  const answer = await call()
  return { ...answer, milliseconds: performance.now() - started }
}

/** What a probe or a scrape sees. */
export async function observe(server: AppForTest, path: '/livez' | '/readyz' | '/metrics') {
  const observability = buildObservabilityServer(server.app)
  const { statusCode, body } = await observability.inject({ method: 'GET', url: path })
  await observability.close()
  return { status: statusCode, body }
}

/**
 * Resolves when every server follows the stream of revocations and this one has read the database since: from then on
 * either does. After an outage of Redis that is not so at once, and a stream that began anew is not enough alone.
 *
 * @param followers how many servers there are
 */
export async function untilEitherIsEnough({ app }: AppForTest, { followers }: { followers: number }): Promise<void> {
  await vi.waitFor(
    async () => {
      const clients = String(await app.redis.client('LIST')).split('\n')
      const found = clients.filter((client) => client.includes('name=authservice-revocations'))
      expect(found.filter((client) => !client.includes('cmd=xread'))).toEqual([])
      expect(found.length, clients.join('\n')).toBeGreaterThanOrEqual(followers)
    },
    { timeout: 20_000, interval: 20 },
  )
  const { promise: wasRead, resolve } = Promise.withResolvers<void>()
  app.mongo.client.on('commandStarted', ({ requestId, command }) => {
    if (command['find'] !== 'revocations') return
    app.mongo.client.on('commandSucceeded', (succeeded) => succeeded.requestId === requestId && resolve())
  })
  await wasRead
}
