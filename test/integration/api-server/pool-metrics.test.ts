import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildObservabilityServer } from '../../../api-server/observability-server.ts'
import { type AppForTest, startApp } from './app-for-test.ts'

let server: AppForTest
let observability: FastifyInstance
beforeAll(async () => {
  server = await startApp({ MONGODB_MAX_POOL_SIZE: '7' })
  observability = buildObservabilityServer(server.app)
})
afterAll(async () => {
  await observability.close()
  await server.close()
})

/** The number of connections by state, as a scrape shows it. */
async function pool() {
  const text = (await observability.inject('/metrics')).body
  const read = (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))
        ?.split(' ')[1],
    )
  return {
    inUse: read('mongodb_pool_connections{state="in_use"}'),
    idle: read('mongodb_pool_connections{state="idle"}'),
    max: read('mongodb_pool_max'),
  }
}

test('connections are in use during operations, and idle afterwards', async () => {
  const { db } = server.app.mongo
  await db.collection('slow').insertOne({})
  const slow = Array.from({ length: 5 }, () =>
    db.collection('slow').findOne({ $where: 'sleep(4000) || true' }, { maxTimeMS: 20_000 }),
  )
  await expect.poll(pool, { interval: 20 }).toMatchObject({ inUse: 5, max: 7 })
  await Promise.all(slow)
  // Work in the background uses a connection now and then.
  await expect.poll(pool, { interval: 20 }).toSatisfy(({ inUse, idle, max }) => inUse === 0 && idle >= 5 && idle <= max)
})
