import { Redis } from 'ioredis'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import type { ServerEnvironment } from '../../../api-server/config.ts'
import { startRedis } from '../../servers/redis.ts'
import { type Answer, type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'

const wrong = 'wrong horse battery'
const servers: AppForTest[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** Behind one proxy, so that a test can come from any address. */
async function serverWith(environment: ServerEnvironment): Promise<AppForTest> {
  const server = await startApp({ TRUST_PROXY_HOPS: '1', ...environment })
  servers.push(server)
  return server
}

interface From {
  address?: string
  cookie?: string
}

function logInFrom(
  server: AppForTest,
  email: string,
  secret: string,
  { address = '192.0.2.1', cookie }: From = {},
): Promise<Answer> {
  const headers = { 'x-forwarded-for': address, ...(cookie !== undefined && { cookie }) }
  return server.post('/v1/auth/login', { email, password: secret }, headers)
}

/** The cookie that a log-in gives to a device. */
function deviceCookieOf({ headers }: Answer): string {
  const [cookie] = [headers['set-cookie'] ?? []].flat()
  return String(cookie).split(';')[0] ?? ''
}

test('too many log-ins are told when to come back', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN: '2/h' })
  const tries: Answer[] = []
  for (let i = 0; i < 3; i++) {
    tries.push(
      await server.post('/v1/auth/login', { email: 'x@example.com', password }, { 'x-request-id': `limit-test-${i}` }),
    )
  }
  expect(tries.map(({ status }) => status)).toEqual([401, 401, 429])
  expect(tries[0]?.headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1' })
  expect(tries[2]).toMatchObject({
    body: { code: 'rate_limited', request_id: 'limit-test-2' },
    headers: { 'ratelimit-limit': '2', 'ratelimit-remaining': '0', 'retry-after': expect.anything() },
  })
  expect(Number(tries[2]?.headers['retry-after'])).toBeGreaterThan(1_000)
})

test("two deployments that share a Redis do not use up each other's limits", async () => {
  const busy = await serverWith({})
  const strict = await serverWith({ RATE_LIMIT_LOGIN: '2/h' })
  for (let i = 0; i < 5; i++) await logInFrom(busy, 'x@example.com', password)
  expect((await logInFrom(strict, 'x@example.com', password)).status).toBe(401)
})

test('servers of one deployment count together: the limit and the lock', async () => {
  const deployment = {
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_LOGIN: '4/h',
    LOGIN_LOCK_AT_FAILURE: '3',
    LOGIN_LOCK_FIRST: '1h',
  }
  const one = await serverWith(deployment)
  const other = await serverWith(deployment)
  const answers: Answer[] = []
  for (const server of [one, other, one, other, one]) answers.push(await logInFrom(server, 'x@example.com', wrong))
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429])
  expect(answers.slice(3).map(({ body }) => body['code'])).toEqual(['locked', 'rate_limited'])
})

test('repeated failures lock the pair of address and account, and nobody else', async () => {
  const server = await serverWith({ LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' })
  const { email } = await logIn(server)
  for (let attempt = 0; attempt < 5; attempt++) expect((await logInFrom(server, email, wrong)).status).toBe(401)
  const locked = await logInFrom(server, email, password)
  expect(locked).toMatchObject({ status: 429, body: { code: 'locked' } })
  expect(Number(locked.headers['retry-after'])).toBeGreaterThan(3_000)
  expect((await logInFrom(server, email.toUpperCase(), password)).body).toMatchObject({ code: 'locked' })

  expect((await logInFrom(server, email, password, { address: '192.0.2.2' })).status).toBe(200)
  const { email: neighbour } = await logIn(server)
  expect((await logInFrom(server, neighbour, password)).status).toBe(200)
})

test('guesses that are sent all at once learn no more than those sent one after the other', async () => {
  const server = await serverWith({ LOGIN_LOCK_AT_FAILURE: '3', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' })
  const { email } = await logIn(server)
  const guesses = await Promise.all(Array.from({ length: 12 }, () => logInFrom(server, email, wrong)))
  const answers = guesses.map(({ status, body }) => (status === 401 ? 'wrong' : body['code'])).sort()
  expect(answers).toEqual([...Array(9).fill('locked'), ...Array(3).fill('wrong')])
})

test('the owner gets in on a known device while others use up the account, the address and the pair', async () => {
  const server = await serverWith({
    ...{ RATE_LIMIT_LOGIN_ACCOUNT: '6/h', LOGIN_LOCK_AT_FAILURE: '3' },
    ...{ LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' },
  })
  const { email } = await logIn(server)
  const first = await logInFrom(server, email, password)
  const cookie = deviceCookieOf(first)
  expect(cookie).toMatch(/^__Host-device=[\w-]{43}$/)

  // From the owner's own network, until its pair is locked, then from many others, until the account is used up.
  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, email, wrong)
  expect((await logInFrom(server, email, password)).body).toMatchObject({ code: 'locked' })
  for (let host = 10; host < 14; host++) await logInFrom(server, email, wrong, { address: `198.51.100.${host}` })
  const stranger = await logInFrom(server, email, password, { address: '203.0.113.1' })
  expect(stranger.body).toMatchObject({ code: 'rate_limited' })

  expect((await logInFrom(server, email, password, { cookie })).status).toBe(200)
  expect((await logInFrom(server, email, password, { cookie, address: '203.0.113.2' })).status).toBe(200)
})

test('a device that is used is known for its whole lifetime again', async () => {
  const server = await serverWith({ KNOWN_DEVICE_LIFETIME: '90d' })
  const { email } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, email, password))
  expect(
    (await logInFrom(server, email, password, { cookie })).headers['set-cookie'],
    'on the same day',
  ).toBeUndefined()

  const day = 86_400_000
  const devices = server.app.mongo.db.collection<{ expiresAt: Date }>('known_devices')
  const soon = { lastUsedAt: new Date(Date.now() - 80 * day), expiresAt: new Date(Date.now() + 10 * day) }
  await devices.updateMany({}, { $set: soon })
  const again = await logInFrom(server, email, password, { cookie })
  expect(String(again.headers['set-cookie'])).toContain('Max-Age=7776000')
  expect(deviceCookieOf(again)).toBe(cookie)
  expect(await devices.countDocuments({ expiresAt: { $gt: new Date(Date.now() + 89 * day) } })).toBe(1)
})

test('a device is known for the one account, and locked by its own failures', async () => {
  const server = await serverWith({ LOGIN_LOCK_AT_FAILURE: '3', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' })
  const attacker = await logIn(server)
  const { email: victim } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, attacker.email, password))

  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, victim, wrong, { cookie })
  expect((await logInFrom(server, victim, password)).body).toMatchObject({ code: 'locked' })

  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, attacker.email, wrong, { cookie })
  expect((await logInFrom(server, attacker.email, password, { cookie })).body).toMatchObject({ code: 'locked' })
})

test('a device that is known stays with one entry, and the database has only its hash', async () => {
  const server = await serverWith({})
  const { email } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, email, password))
  const again = await logInFrom(server, email, password, { cookie })
  expect(again.headers['set-cookie']).toBeUndefined()
  const devices = await server.app.mongo.db.collection('known_devices').find().toArray()
  expect(JSON.stringify(devices)).not.toContain(cookie.split('=')[1])
})

test('one address gets its share of every route, verifying tokens excepted', async () => {
  const server = await serverWith({ RATE_LIMIT_PER_CLIENT: '1/h', RATE_LIMIT_BURST: '2' })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const answers: number[] = []
  for (let call = 0; call < 4; call++) answers.push((await server.get('/v1/me', from('192.0.2.9'))).status)
  expect(answers).toEqual([401, 401, 401, 429])
  expect((await server.get('/v1/me', from('192.0.2.10'))).status).toBe(401)
  for (let call = 0; call < 4; call++) {
    expect((await server.get('/v1/auth/verify', from('192.0.2.9'))).status).toBe(401)
  }
})

test('while Redis hangs or is gone each server grants its part, at once; when it is back they count together', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const environment = {
    DATABASE_NAME: freshDatabase(),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    RATE_LIMIT_LOGIN: '4/h',
  }
  // Two that share the limits, as Redis has counted them.
  await serverWith(environment)
  const server = await serverWith(environment)
  const statuses = async (address: string, count: number) => {
    const answers: number[] = []
    for (let i = 0; i < count; i++) {
      answers.push((await logInFrom(server, `${address}-${i}@example.com`, wrong, { address })).status)
    }
    return answers
  }
  expect(await statuses('192.0.2.1', 5)).toEqual([401, 401, 401, 401, 429])

  const control = new Redis({ host: redis.host, port: redis.port, retryStrategy: () => null })
  control.on('error', () => {}) // it is killed below
  await control.client('PAUSE', 60_000, 'ALL')
  let hasAnswered = false
  void control.ping().then(
    () => {
      hasAnswered = true
    },
    () => {}, // killed
  )
  expect(await statuses('192.0.2.2', 3)).toEqual([401, 401, 429])
  expect(hasAnswered, 'Redis went on while it was to hang').toBe(false)

  await redis.stop()
  expect(await statuses('192.0.2.3', 3)).toEqual([401, 401, 429])

  await redis.start()
  const counted = new Redis({ host: redis.host, port: redis.port, retryStrategy: () => null })
  onTestFinished(() => counted.disconnect())
  await expect
    .poll(
      async () => {
        await statuses('192.0.2.4', 1)
        return (await counted.keys('*auth:limit:login:192.0.2.4')).length
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(1)
})
