import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { inspectRedis } from '../../../api-server/commands/database-report.ts'
import { inspectMongoDb } from '../../../api-server/plugins/external/mongo-topology.ts'
import { refusedExitCode, reportFileVariable } from '../../../contract/database-report.ts'
import { startRedis } from '../../../tools/local-servers/redis.ts'
import { freshDatabase } from './app-for-test.ts'
import { runProgram } from './run-program.ts'

let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-report-'))
  server = await startRedis()
  redis = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: 0, retryStrategy: () => 100 })
  // The test stops it.
  redis.on('error', () => undefined)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
  await rm(folder, { recursive: true })
})

test("a replica set is recognized by MongoDB's own reply", async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  expect(await inspectMongoDb(client.db('admin'))).toEqual({ topology: 'replicaSet' })
})

test('the eviction policy of Redis is the current one', async () => {
  expect(await inspectRedis(redis, 0)).toEqual({ maxmemoryPolicy: 'noeviction' })
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  expect(await inspectRedis(redis, 0)).toEqual({ maxmemoryPolicy: 'allkeys-lru' })
})

test('migrate.ts writes a report for the operator', async () => {
  await redis.config('SET', 'maxmemory-policy', 'volatile-ttl')
  const reportFile = join(folder, 'report.json')
  const program = resolve(import.meta.dirname, '../../../api-server/commands/migrate.ts')
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

test('when it refuses, migrate.ts reports the reason with ids, in complete lines, and that a retry does not help', async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  const [reportFile, database] = [join(folder, 'refusal.txt'), freshDatabase()]
  const twins = Array.from({ length: 60 }, (_, index) => `twin${index}@example.com`)
  const { insertedIds } = await client
    .db(database)
    .collection('users')
    .insertMany([...twins, ...twins].map((email) => ({ email })))
  const { code, output } = await runProgram('commands/migrate.ts', [], {
    DATABASE_NAME: database,
    COLLECTION_NAME: 'users',
    [reportFileVariable]: reportFile,
    REDIS_HOST: server.host,
    REDIS_PORT: String(server.port),
  })
  expect(code, output).toBe(refusedExitCode)
  const told = await readFile(reportFile, 'utf8')
  expect(told.length).toBeLessThan(4096)
  expect(told).toMatch(/^001-users: 2 users have the same email/)
  expect(told).toMatch(/\nAnd \d+ more: see the log of the pod\.$/)
  const ids = new Set(Object.values(insertedIds).map(String))
  for (const id of told.match(/[0-9a-f]{24}/g) ?? ['none']) expect(ids).toContain(id)
  expect(told).not.toContain('@')
})

test('a Redis that does not answer is reported with host, port and error code, after the configured time', async () => {
  await server.stop()
  const { maxmemoryPolicy, failure } = await inspectRedis(redis, 600)
  expect(maxmemoryPolicy).toBeUndefined()
  expect(failure).toMatch(new RegExp(`^${server.host}:${server.port}: .*ECONNREFUSED`))
})
