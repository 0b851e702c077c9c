import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMongo, type TestMongo } from '../../servers/mongo.ts'
import { startRedis, type TestRedis } from '../../servers/redis.ts'

let folder: string
let mongo: TestMongo
let redis: TestRedis

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-passwords-'))
  const keyFile = join(folder, 'keyfile')
  await writeFile(keyFile, randomBytes(567).toString('base64'), { mode: 0o400 })
  mongo = await startMongo({ keyFile })
  redis = await startRedis()
  await writeSecret('mongodb', { 'admin-password': 'admin-1', 'app-password': 'app-1' })
  await runProgram('mongodb-setup.ts', {
    MONGODB_SETUP_URL: `mongodb://127.0.0.1:${mongo.port}`,
    MONGODB_REPLICA_SET: 'rs0',
    MONGODB_MEMBER_HOST: `127.0.0.1:${mongo.port}`,
    MONGODB_ADMIN_USERNAME: 'admin',
    MONGODB_SECRET_DIRECTORY: join(folder, 'mongodb'),
    DATABASE_NAME: 'auth',
  })
  const client = new Redis({ host: redis.host, port: redis.port })
  await client.call('ACL', 'SETUSER', 'default', 'on', 'resetpass', '>redis-1')
  client.disconnect()
})
afterAll(async () => {
  await Promise.all([mongo.remove(), redis.stop()])
  await rm(folder, { recursive: true })
})

/** A mounted Secret. */
async function writeSecret(name: string, data: Record<string, string>): Promise<void> {
  await rm(join(folder, name), { recursive: true, force: true })
  await mkdir(join(folder, name))
  for (const [key, value] of Object.entries(data)) await writeFile(join(folder, name, key), value)
}

async function runProgram(program: string, env: Record<string, string>): Promise<void> {
  const path = resolve(import.meta.dirname, '../../../api-server', program)
  await promisify(execFile)(process.execPath, [path], { env: { ...process.env, ...env } })
}

const rotate = (rotation: string) =>
  runProgram('rotate-passwords.ts', {
    MONGODB_SECRET_DIRECTORY: join(folder, 'mongodb'),
    MONGODB_ROTATION: rotation,
    MONGODB_MEMBER: `127.0.0.1:${mongo.port}`,
    DATABASE_NAME: 'auth',
    REDIS_SECRET_DIRECTORY: join(folder, 'redis'),
    REDIS_ROTATION: rotation,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
  })

async function mongoAccepts(username: string, password: string): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${mongo.port}`, {
    ...{ directConnection: true, auth: { username, password }, authSource: 'admin' },
  })
  try {
    await client.db('auth').collection('users').insertOne({ by: username })
    return true
  } catch {
    return false
  } finally {
    await client.close()
  }
}

async function redisAccepts(password: string): Promise<boolean> {
  const client = new Redis({
    host: redis.host,
    port: redis.port,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    client.disconnect()
  }
}

const accepted = async () => ({
  mongodb: [await mongoAccepts('auth', 'app-1'), await mongoAccepts('auth-b', 'app-2')],
  redis: [await redisAccepts('redis-1'), await redisAccepts('redis-2')],
})

test('both passwords are accepted while they overlap, an open connection stays, and the old ones are refused after', async () => {
  expect(await accepted()).toEqual({ mongodb: [true, false], redis: [true, false] })
  const open = new Redis({ host: redis.host, port: redis.port, password: 'redis-1', retryStrategy: () => null })
  await open.ping()

  const adding = { rotation: 'adding:x' }
  await writeSecret('mongodb', {
    ...adding,
    'admin-password': 'admin-1',
    'app-password': 'app-1',
    'next-app-password': 'app-2',
  })
  await writeSecret('redis', { ...adding, password: 'redis-1', 'next-password': 'redis-2' })
  await rotate('adding:x')
  await rotate('adding:x')
  expect(await accepted()).toEqual({ mongodb: [true, true], redis: [true, true] })

  const removing = { rotation: 'removing:x' }
  await writeSecret('mongodb', {
    ...removing,
    'admin-password': 'admin-1',
    'app-user': 'auth-b',
    'app-password': 'app-2',
  })
  await writeSecret('redis', { ...removing, password: 'redis-2' })
  await rotate('removing:x')
  expect(await accepted()).toEqual({ mongodb: [false, true], redis: [false, true] })
  expect(await open.ping()).toBe('PONG')
  open.disconnect()
})
