import { setTimeout } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../../tools/local-servers/redis.ts'
import { type Answer, type AppForTest, freshDatabase, startApp } from './app-for-test.ts'

/** A deployment with its own databases, which a test may stop. */
export interface Deployment {
  mongo: TestMongo
  redis: TestRedis
  /** The number of running instances. */
  readonly instances: number
  /** Starts another instance. */
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

/** The two kinds of outage: no server listens, or one listens and never answers. */
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

/** Maximum process time of a request while a dependency is unavailable: 1 s is promised. */
export const maxMilliseconds = 3_000

/**
 * CPU time that this process, and so the servers in it, had available. A request that waits for nothing else sees all
 * of it pass. While other programs keep the machine busy, it does not advance.
 */
let ownTime = 0
const turn = { milliseconds: 10, most: 30 } as const
let lastTurn = performance.now()
setInterval(() => {
  const now = performance.now()
  ownTime += Math.min(now - lastTurn, turn.most)
  lastTurn = now
}, turn.milliseconds).unref()

/** The answer, and how much of this process's time it took. */
export async function timed(call: () => Promise<Answer>): Promise<Answer & { milliseconds: number }> {
  const started = ownTime
  const answer = await call()
  return { ...answer, milliseconds: ownTime - started }
}

/** Retries until the attempt succeeds, for a limited amount of this process's time. */
export async function withinOwnTime(milliseconds: number, attempt: () => Promise<unknown>): Promise<void> {
  const end = ownTime + milliseconds
  for (;;) {
    try {
      await attempt()
      return
    } catch (error) {
      if (ownTime > end) throw error
      await setTimeout(turn.milliseconds)
    }
  }
}

/** The response of the server for probes and metrics. */
export async function observe(server: AppForTest, path: '/livez' | '/readyz' | '/metrics') {
  const observability = buildObservabilityServer(server.app)
  const { statusCode, body } = await observability.inject({ method: 'GET', url: path })
  await observability.close()
  return { status: statusCode, body }
}

/**
 * Resolves when every server follows the stream of revocations and this one has read the database since then: from then
 * on it needs only one of the two. After an outage of Redis that takes a moment, and a new stream alone does not
 * suffice.
 *
 * @param followers the number of servers
 */
export async function untilEitherIsEnough({ app }: AppForTest, { followers }: { followers: number }): Promise<void> {
  await vi.waitFor(
    async () => {
      const clients = String(await app.redis.client('LIST')).split('\n')
      const found = clients.filter((client) => client.includes('name=authservice-revocations'))
      expect(found.filter((client) => !client.includes('cmd=xread'))).toEqual([])
      expect(found.length, clients.join('\n')).toBeGreaterThanOrEqual(followers)
    },
    { timeout: 40_000, interval: 20 },
  )
  const { promise: wasRead, resolve } = Promise.withResolvers<void>()
  app.mongo.client.on('commandStarted', ({ requestId, command }) => {
    if (command['find'] !== 'revocations') return
    app.mongo.client.on('commandSucceeded', (succeeded) => succeeded.requestId === requestId && resolve())
  })
  await wasRead
}
