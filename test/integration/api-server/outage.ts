import type { ServerEnvironment } from '../../../api-server/config.ts'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { startMongo, type TestMongo } from '../../servers/mongo.ts'
import { startRedis, type TestRedis } from '../../servers/redis.ts'
import { type Answer, type AppForTest, freshDatabase, startApp } from './app-for-test.ts'

/** A deployment whose databases a test may stop: they are nobody else's. */
export interface Deployment {
  mongo: TestMongo
  redis: TestRedis
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
