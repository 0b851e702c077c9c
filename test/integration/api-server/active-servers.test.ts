import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ActiveServers } from '../../../api-server/plugins/app/limits/active-servers.ts'
import { startRedis } from '../../../tools/local-servers/redis.ts'

let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: 0, retryStrategy: () => null })
  // The test stops it.
  redis.on('error', () => undefined)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

test('each server knows how many servers share the limits, with Redis and after Redis has become unavailable', async () => {
  const [first, second] = [new ActiveServers(redis, 20), new ActiveServers(redis, 20)]
  expect(first.count).toBe(20)
  await first.sendHeartbeat()
  expect(first.count).toBe(1)
  await second.sendHeartbeat()
  await first.sendHeartbeat()
  expect([first.count, second.count]).toEqual([2, 2])

  await second.deregister()
  await first.sendHeartbeat()
  expect(first.count).toBe(1)

  await second.sendHeartbeat()
  await first.sendHeartbeat()
  await server.stop()
  await first.sendHeartbeat()
  expect(first.count).toBe(2)
})
