import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../../tools/local-servers/redis.ts'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import { observe } from './outage.ts'

let standalone: TestMongo
let [redis, other]: TestRedis[] = []
const apps: AppForTest[] = []

beforeAll(async () => {
  ;[standalone, redis, other] = await Promise.all([startMongo({ standalone: true }), startRedis(), startRedis()])
})
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()))
  await Promise.all([standalone.remove(), redis?.stop(), other?.stop()])
})

async function start(environment: Parameters<typeof startApp>[0]): Promise<AppForTest> {
  const app = await startApp(environment)
  apps.push(app)
  return app
}

test('with a standalone mongod the server is not ready, says what to do, and no request fails halfway', async () => {
  const server = await start({ MONGODB_URL: standalone.url })
  await vi.waitFor(
    async () =>
      expect(await observe(server, '/readyz')).toEqual({
        status: 503,
        body: expect.stringContaining(
          'standalone mongod, which does not support transactions: start it with --replSet',
        ),
      }),
    { timeout: 40_000 },
  )
  const { status, body, headers } = await server.post('/v1/auth/register', {
    email: 'somebody@example.com',
    password,
    name: 'Somebody',
  })
  expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'database_unavailable' })
  expect(headers['retry-after']).toMatch(/^\d+$/)
})

test('after a planned failover of Redis the server leaves the old primary, now a replica, for the new one', async () => {
  if (redis === undefined || other === undefined) throw new Error('no Redis was started')
  const server = await start({ REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) })
  const user = await logIn(server)
  const metric = async () => /^redis_up \d$/m.exec((await observe(server, '/metrics')).body)?.[0]
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 1'), 40_000)
  const connections = vi.fn()
  server.app.redis.on('ready', connections)

  await redis.command('REPLICAOF', other.host, String(other.port))
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 0'), { timeout: 40_000 })
  // The name may resolve to another address by now.
  await vi.waitFor(() => expect(connections).toHaveBeenCalled(), { timeout: 40_000 })
  // No revocation is lost.
  const { status } = await server.post('/v1/auth/login', { email: user.email, password })
  expect(status).toBe(200)
  expect((await server.post('/v1/auth/logout', {}, user.bearer)).status).toBe(204)

  await redis.command('REPLICAOF', 'NO', 'ONE')
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 1'), { timeout: 40_000 })
})

test('a full Redis does not count as up', async () => {
  if (other === undefined) throw new Error('no Redis was started')
  const server = await start({ REDIS_HOST: other.host, REDIS_PORT: String(other.port) })
  const metric = async () => /^redis_up \d$/m.exec((await observe(server, '/metrics')).body)?.[0]
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 1'), 40_000)
  await other.command('CONFIG', 'SET', 'maxmemory', '1')
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 0'), { timeout: 40_000 })
  await other.command('CONFIG', 'SET', 'maxmemory', '0')
  await vi.waitFor(async () => expect(await metric()).toBe('redis_up 1'), { timeout: 40_000 })
})
