import { randomBytes } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { MongoClient } from 'mongodb'
import { inject } from 'vitest'
import { buildApp } from '../../../api-server/build-app.ts'
import { makeAdmin } from '../../../api-server/commands/initial-admin.ts'
import { type Config, readConfig } from '../../../api-server/config/config.ts'
import { runMigrations } from '../../../api-server/migrations/run.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import './contract/every-app.ts'

/** A server in this process, on a database of its own. */
export interface AppForTest {
  app: FastifyInstance
  config: Config
  /** Sends POST with a JSON body. */
  post(path: string, json: unknown, headers?: Record<string, string>): Promise<Answer>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Sends PATCH with a JSON body. */
  patch(path: string, json: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Sends DELETE, with a JSON body if one is given. */
  delete(path: string, headers?: Record<string, string>, json?: unknown): Promise<Answer>
  close(): Promise<void>
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  body: Record<string, unknown>
}

/** Limits that no test reaches unless it sets its own. */
const quick: ServerEnvironment = {
  ENVIRONMENT: 'development',
  LOG_LEVEL: 'fatal',
  MONGODB_MIN_POOL_SIZE: '0',
  RATE_LIMIT_PER_CLIENT: '100000/s',
  RATE_LIMIT_BURST: '100000',
  RATE_LIMIT_LOGIN: '100000/s',
  RATE_LIMIT_REGISTER: '100000/s',
  RATE_LIMIT_REFRESH: '100000/s',
  RATE_LIMIT_SENSITIVE: '100000/s',
  RATE_LIMIT_PROFILE: '100000/s',
  JWT_SECRET: randomBytes(32).toString('base64url'),
  JWT_ISSUER: 'https://auth.example.com',
  JWT_AUDIENCE: 'tests',
}

export function freshDatabase(): string {
  return `test-${randomBytes(6).toString('hex')}`
}

/**
 * The lowest cost that bcrypt has, 64 times cheaper than the lowest that the configuration allows. Tests that need hashes
 * to take a while set BCRYPT_COST.
 */
const testBcryptCost = 4

/**
 * Starts a server in this process.
 *
 * @param environment variables that differ from the defaults; two apps with the same DATABASE_NAME are two instances of
 * one deployment
 */
export async function startApp(environment: ServerEnvironment = {}): Promise<AppForTest> {
  const redis = inject('redis')
  const read = readConfig({
    ...quick,
    MONGODB_URL: inject('mongoUrl'),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    // The database name prefixes the keys in the Redis that all tests share, so limits are separate.
    DATABASE_NAME: freshDatabase(),
    ...environment,
  })
  const config = environment.BCRYPT_COST === undefined ? { ...read, bcryptCost: testBcryptCost } : read
  await using client = new MongoClient(config.mongodb.url)
  await runMigrations(client.db(config.mongodb.database), config.mongodb.usersCollection)
  const app = await buildApp(config)
  const call = async (options: InjectOptions): Promise<Answer> => {
    const { statusCode, headers, body } = await app.inject(options)
    return { status: statusCode, headers, body: body === '' ? {} : JSON.parse(body) }
  }
  const withJson = (method: 'POST' | 'PATCH' | 'DELETE', url: string, headers: Record<string, string>, json: unknown) =>
    call({
      method,
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: JSON.stringify(json),
    })
  return {
    app,
    config,
    post: (url, json, headers = {}) => withJson('POST', url, headers, json),
    get: (url, headers = {}) => call({ method: 'GET', url, headers }),
    patch: (url, json, headers = {}) => withJson('PATCH', url, headers, json),
    delete: (url, headers = {}, json = undefined) =>
      json === undefined ? call({ method: 'DELETE', url, headers }) : withJson('DELETE', url, headers, json),
    close: () => app.close(),
  }
}

export const password = 'correct horse battery'

export interface LoggedIn {
  email: string
  accessToken: string
  refreshToken: string
  bearer: { authorization: string }
}

/** Registers a user and logs in. */
export async function logIn(
  server: AppForTest,
  email = `${randomBytes(6).toString('hex')}@example.com`,
): Promise<LoggedIn> {
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  const { status, body } = await server.post('/v1/auth/login', { email, password })
  if (status !== 200) throw new Error(`logging in answered ${status}: ${JSON.stringify(body)}`)
  return { email, ...tokensOf(body) }
}

/** Creates an administrator and logs in. */
export async function logInAsAdmin(
  server: AppForTest,
  email = `${randomBytes(6).toString('hex')}@admin.example.com`,
): Promise<LoggedIn> {
  await makeAdmin(server.app.mongo.db, server.config, { email, password, name: 'Administrator' })
  const { status, body } = await server.post('/v1/auth/login', { email, password })
  if (status !== 200) throw new Error(`logging in as administrator answered ${status}: ${JSON.stringify(body)}`)
  return { email, ...tokensOf(body) }
}

export function tokensOf(body: Record<string, unknown>): Pick<LoggedIn, 'accessToken' | 'refreshToken' | 'bearer'> {
  const accessToken = String(body['access_token'])
  return {
    accessToken,
    refreshToken: String(body['refresh_token']),
    bearer: { authorization: `Bearer ${accessToken}` },
  }
}
