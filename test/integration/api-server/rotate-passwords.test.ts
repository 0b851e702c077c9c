import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'
import { startRedis, type TestRedis } from '../../../tools/local-servers/redis.ts'
import { runProgram } from './run-program.ts'

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
  await runToSuccess('commands/mongodb-setup.ts', {
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

/** Writes a mounted Secret. */
async function writeSecret(name: string, data: Record<string, string>): Promise<void> {
  await rm(join(folder, name), { recursive: true, force: true })
  await mkdir(join(folder, name))
  for (const [key, value] of Object.entries(data)) await writeFile(join(folder, name, key), value)
}

/** Runs a program that must succeed. */
async function runToSuccess(
  program: 'commands/mongodb-setup.ts' | 'commands/rotate-passwords.ts',
  environment: Record<string, string>,
): Promise<void> {
  const { code, output } = await runProgram(program, [], environment)
  expect(code, output).toBe(0)
}

const rotate = (rotation: string) =>
  runToSuccess('commands/rotate-passwords.ts', {
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
    directConnection: true,
    auth: { username, password },
    authSource: 'admin',
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

test('during a rotation both passwords work and an open connection stays; afterwards the old passwords are refused', async () => {
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

test('passwords whose Secret was lost are replaced in a running MongoDB, and in one that starts; users stay', async () => {
  const keyFile = join(folder, 'another-keyfile')
  const freshKeyFile = async () => {
    await rm(keyFile, { force: true })
    await writeFile(keyFile, randomBytes(567).toString('base64'), { mode: 0o400 })
  }
  await freshKeyFile()
  const lost = await startMongo({ keyFile })
  const setUp = async (generation: string) => {
    await writeSecret('lost', { 'admin-password': `admin-${generation}`, 'app-password': `app-${generation}` })
    await runToSuccess('commands/mongodb-setup.ts', {
      MONGODB_SETUP_URL: `mongodb://127.0.0.1:${lost.port}`,
      MONGODB_REPLICA_SET: 'rs0',
      MONGODB_MEMBER_HOST: `127.0.0.1:${lost.port}`,
      MONGODB_ADMIN_USERNAME: 'admin',
      MONGODB_SECRET_DIRECTORY: join(folder, 'lost'),
      MONGODB_KEY_FILE: keyFile,
      DATABASE_NAME: 'auth',
    })
  }
  const users = async (password: string) => {
    const client = new MongoClient(`mongodb://127.0.0.1:${lost.port}`, {
      directConnection: true,
      auth: { username: 'auth', password },
      authSource: 'admin',
    })
    try {
      return await client.db('auth').collection('users').countDocuments({ email: 'ada@example.com' })
    } finally {
      await client.close()
    }
  }
  try {
    await setUp('1')
    const first = new MongoClient(`mongodb://127.0.0.1:${lost.port}`, {
      directConnection: true,
      auth: { username: 'auth', password: 'app-1' },
      authSource: 'admin',
    })
    await first.db('auth').collection('users').insertOne({ email: 'ada@example.com' })
    await first.close()

    await setUp('2')
    expect(await users('app-2')).toBe(1)
    await expect(users('app-1')).rejects.toThrow('Authentication failed')

    await lost.stop()
    await freshKeyFile()
    await lost.start()
    await setUp('3')
    expect(await users('app-3')).toBe(1)
    await expect(users('app-2')).rejects.toThrow('Authentication failed')
  } finally {
    await lost.remove()
  }
})
