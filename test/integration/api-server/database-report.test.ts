import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { inspectMongoDb, inspectRedis, reportFileVariable } from '../../../api-server/database-report.ts'
import { startRedis } from '../../servers/redis.ts'
import { freshDatabase } from './app-for-test.ts'

let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-report-'))
  server = await startRedis()
  redis = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: 0, retryStrategy: () => 100 })
  // That it goes away is a part of the test.
  redis.on('error', () => undefined)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
  await rm(folder, { recursive: true })
})

test('a replica set is known from what MongoDB says of itself', async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  expect(await inspectMongoDb(client.db('admin'))).toEqual({ topology: 'replicaSet' })
})

test('the memory policy of Redis is the one it has now', async () => {
  expect(await inspectRedis(redis, 0)).toEqual({ maxmemoryPolicy: 'noeviction' })
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  expect(await inspectRedis(redis, 0)).toEqual({ maxmemoryPolicy: 'allkeys-lru' })
})

test('migrate.ts leaves a report for the operator', async () => {
  await redis.config('SET', 'maxmemory-policy', 'volatile-ttl')
  const reportFile = join(folder, 'report.json')
  const program = resolve(import.meta.dirname, '../../../api-server/migrate.ts')
  await promisify(execFile)(process.execPath, [program], {
    env: {
      ...process.env,
      ENVIRONMENT: 'development',
      MONGODB_URL: inject('mongoUrl'),
      DATABASE_NAME: freshDatabase(),
      REDIS_HOST: server.host,
      REDIS_PORT: String(server.port),
      JWT_SECRET: randomBytes(32).toString('base64url'),
      [reportFileVariable]: reportFile,
    },
  })
  expect(JSON.parse(await readFile(reportFile, 'utf8'))).toEqual({
    mongodb: { topology: 'replicaSet' },
    redis: { maxmemoryPolicy: 'volatile-ttl' },
  })
})

test('a Redis that is away is reported as such, after as much patience as there is', async () => {
  await server.stop()
  expect(await inspectRedis(redis, 600)).toEqual({})
})
