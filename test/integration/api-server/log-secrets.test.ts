import { createHash, randomBytes } from 'node:crypto'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { operationsOf } from '../../../api-server/plugins/app/documentation/document.ts'
import { startMongo, type TestMongo } from '../../../tools/local-servers/mongo.ts'
import { freshDatabase } from './app-for-test.ts'
import { exampleRequest } from './contract/example-request.ts'
import { type StartedServer, startServer } from './started-server.ts'

const mark = randomBytes(6).toString('hex')
/** What the test sends and must never find in the log: each contains the mark. */
const email = `secret-${mark}@example.com`
const password = `password-${mark}-long enough`
const clientSecret = `client-${mark}-${'x'.repeat(32)}`
const jwtSecret = `signing-${mark}-${'y'.repeat(32)}`
/** What the server generates and must never log. */
const made = new Set<string>()

let mongo: TestMongo
let server: StartedServer

beforeAll(async () => {
  mongo = await startMongo()
  const redis = inject('redis')
  server = await startServer({
    ENVIRONMENT: 'staging',
    LOG_LEVEL: 'trace',
    LOG_REQUESTS: 'all',
    MONGODB_URL: mongo.url,
    DATABASE_NAME: freshDatabase(),
    MIGRATE_ON_START: 'true',
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    JWT_SECRET: jwtSecret,
    JWT_ISSUER: 'https://auth.example.com',
    BCRYPT_COST: '10',
    RATE_LIMIT_REGISTER: '1000/m',
    RATE_LIMIT_LOGIN: '1000/m',
    COOKIE_MODE: 'true',
    OAUTH_CLIENTS: `gateway:${createHash('sha256').update(clientSecret).digest('hex')}`,
  })
})

afterAll(async () => {
  await server?.stop()
  await mongo?.remove()
})

async function call(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const answer = await fetch(`${server.api}${path}`, { method, headers, ...(body !== undefined && { body }) })
  for (const cookie of answer.headers.getSetCookie()) {
    const value = cookie.split(';')[0]?.split('=')[1] ?? ''
    if (value.length > 16) made.add(decodeURIComponent(value))
  }
  const text = await answer.text()
  const json: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {}
  for (const name of ['access_token', 'refresh_token', 'csrf_token']) {
    const token = json[name]
    if (typeof token === 'string') made.add(token)
  }
  return {
    status: answer.status,
    json,
    cookies: answer.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; '),
  }
}

const asJson = { 'content-type': 'application/json' }
const post = (path: string, json: unknown, headers = {}) =>
  call('POST', path, { ...asJson, ...headers }, JSON.stringify(json))

/** Every operation, with the mark in every field. */
async function everyOperation(accessToken: string, cookies: string) {
  const { json } = await call('GET', '/openapi.json')
  for (const operation of operationsOf(json as unknown as OpenApi.Document)) {
    const { method, url, headers, payload } = exampleRequest(operation)
    const marked = payload?.replaceAll('user@example.com', email).replaceAll('correct horse battery', password)
    const basic = Buffer.from(`gateway:${clientSecret}`).toString('base64')
    const ways: Record<string, string>[] = [
      { authorization: `Bearer ${accessToken}`, cookie: cookies },
      { authorization: `Basic ${basic}`, 'x-csrf-token': `csrf-${mark}`, 'user-agent': `agent of ${email}` },
      { authorization: `Bearer eyJhbGciOiJub25lIn0.${mark}.`, cookie: `__Host-refresh=cookie-${mark}` },
    ]
    // The operation that ends sessions comes last, since later requests are refused.
    for (const way of ways) {
      await call(String(method), `${url}?token=query-${mark}&email=${email}`, { ...headers, ...way }, marked)
    }
    await call(
      String(method),
      String(url),
      { ...asJson, ...ways[0] },
      method === 'GET' ? undefined : `{"token":"broken-${mark}`,
    )
  }
}

test('no secret, token, cookie or email is logged at any level, whatever is requested and whichever database is unavailable', async () => {
  await post('/v1/auth/register', { email, password, name: 'Somebody' })
  await post('/v1/auth/register', { email, password, name: 'Somebody' })
  await post('/v1/auth/login', { email, password: `wrong-${password}` })
  const login = await post('/v1/auth/login', { email, password })
  expect(login.status).toBe(200)
  await post('/v1/auth/refresh', null, { cookie: login.cookies, 'x-csrf-token': login.json['csrf_token'] })
  await call('GET', `/nowhere/path-${mark}?token=query-${mark}`)
  await everyOperation(String(login.json['access_token']), login.cookies)

  // Another user: the first one has changed the password and deleted the account.
  const another = { email: `another-${email}`, password }
  await post('/v1/auth/register', { ...another, name: 'Another' })
  const again = await post('/v1/auth/login', another)
  expect(again.status).toBe(200)
  await mongo.stop()
  await everyOperation(String(again.json['access_token']), again.cookies)
  await mongo.start()

  // The log arrives in its order: with the line of this request, it is complete.
  await call('GET', '/nowhere/end-of-the-test', { 'x-request-id': 'the-last-one' })
  // At that level it has logged all of this.
  const parts = [
    '"route":"/v1/auth/login"',
    '"event":"authn_login_success"',
    '"emailHash":',
    '"level":20',
    '"status":503',
    'the-last-one',
  ]
  await expect.poll(() => parts.filter((part) => !server.output().includes(part))).toEqual([])
  const output = server.output()
  expect(made.size).toBeGreaterThan(4)
  const lines = output.split('\n')
  for (const secret of [mark, ...made]) {
    // A session id is part of a refresh token, but not a secret.
    const hidden = secret.replace(/^[0-9a-f-]{36}\./, '')
    expect(
      lines.filter((line) => line.includes(hidden)),
      `lines with ${secret}`,
    ).toEqual([])
  }
})
