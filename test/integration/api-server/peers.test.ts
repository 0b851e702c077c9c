import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Peers } from '../../../api-server/plugins/app/limits/peers.ts'
import { startRedis } from '../../servers/redis.ts'

let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: 0, retryStrategy: () => null })
  // Its end is a part of the test.
  redis.on('error', () => undefined)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

test('servers know how many share the limits, while Redis is there and after it went', async () => {
  const [first, second] = [new Peers(redis, 20), new Peers(redis, 20)]
  expect(first.count).toBe(20)
  await first.announce()
  expect(first.count).toBe(1)
  await second.announce()
  await first.announce()
  expect([first.count, second.count]).toEqual([2, 2])

  await second.leave()
  await first.announce()
  expect(first.count).toBe(1)

  await second.announce()
  await first.announce()
  await server.stop()
  await first.announce()
  expect(first.count).toBe(2)
})
