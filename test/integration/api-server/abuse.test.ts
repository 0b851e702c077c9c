import { Redis } from 'ioredis'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { newDevicesPerDay } from '../../../api-server/plugins/app/login-attempts/plugin.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startRedis } from '../../../tools/local-servers/redis.ts'
import { type Answer, type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp } from './app-for-test.ts'

const wrong = 'wrong horse battery'
const servers: AppForTest[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** Starts a server behind one proxy, so that a test can use any client address. */
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

/** The device cookie of a login. */
function deviceCookieOf({ headers }: Answer): string {
  const [cookie] = [headers['set-cookie'] ?? []].flat()
  return String(cookie).split(';')[0] ?? ''
}

test('too many logins are told when to retry', async () => {
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

test('two deployments that share a Redis have separate limits', async () => {
  const busy = await serverWith({})
  const strict = await serverWith({ RATE_LIMIT_LOGIN: '2/h' })
  for (let i = 0; i < 5; i++) await logInFrom(busy, 'x@example.com', password)
  expect((await logInFrom(strict, 'x@example.com', password)).status).toBe(401)
})

test('servers of one deployment share the limit and the lock', async () => {
  const deployment = {
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_LOGIN: '4/h',
    LOGIN_LOCK_AT_FAILURE: '3',
    LOGIN_LOCK_FIRST: '1h',
  }
  const one = await serverWith(deployment)
  const other = await serverWith(deployment)
  const answers: Answer[] = []
  for (const server of [one, other, one, other]) answers.push(await logInFrom(server, 'x@example.com', wrong))
  // Attempts on a locked pair do not count towards the limit.
  for (const server of [one, other]) answers.push(await logInFrom(server, 'y@example.com', wrong))
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 401, 429])
  expect([answers[3], answers[5]].map((answer) => answer?.body['code'])).toEqual(['locked', 'rate_limited'])
})

test('no limit reveals whether an email is registered, however the email is written', async () => {
  const limits = { RATE_LIMIT_LOGIN: '40/h', RATE_LIMIT_LOGIN_ACCOUNT: '12/h', RATE_LIMIT_LOGIN_PAIR: '20/h' }
  const server = await serverWith({ ...limits, LOGIN_LOCK_AT_FAILURE: '5', LOGIN_LOCK_FIRST: '1h' })
  await server.post('/v1/auth/register', { email: 'registered@example.com', password, name: 'R' })
  // Each looks like the previous one, and the database's collation treats most of them as equal.
  const spellings = (email: string) => [
    ...[0, 1, 2, 3, 4, 5, 6].map((count) => email.replace('e', `e${'\u00ad'.repeat(count)}`)),
    ...['\u200b', '\u2060', '\u034f', '\u202e', '\ufe0f', '\0'].map((hidden) => email.replace('@', `${hidden}@`)),
    email.toUpperCase(),
    ` ${email}`,
    `${email}\n`,
    email.replace('s', '\uff53'),
    email.replace('s', '\u017f'),
    email.replace('e', 'e\u0640'),
    email.replace('t', '\u0074\u0591'),
    email,
    email,
    email,
  ]
  const told = async (email: string, address: string) => {
    const answers: unknown[] = []
    for (const spelling of spellings(email)) {
      const { status, headers, body } = await logInFrom(server, spelling, wrong, { address })
      const limit = ['ratelimit-limit', 'ratelimit-remaining'].map((name) => headers[name])
      answers.push([status, body['code'], body['detail'], ...limit])
    }
    return answers
  }
  const registered = await told('registered@example.com', '192.0.2.1')
  expect(registered).toEqual(await told('rejisterek@example.com', '192.0.2.2'))
  expect(registered.map((answer) => (answer as unknown[])[0])).toContain(429)
})

test('repeated failures lock only the pair of address and account', async () => {
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

test('concurrent guesses learn no more than consecutive ones', async () => {
  const server = await serverWith({ LOGIN_LOCK_AT_FAILURE: '3', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' })
  const { email } = await logIn(server)
  const guesses = await Promise.all(Array.from({ length: 12 }, () => logInFrom(server, email, wrong)))
  const answers = guesses.map(({ status, body }) => (status === 401 ? 'wrong' : body['code'])).sort()
  expect(answers).toEqual([...Array(9).fill('locked'), ...Array(3).fill('wrong')])
})

test('the owner logs in from a known device while others exhaust the limits of the account, the address and the pair', async () => {
  const server = await serverWith({
    RATE_LIMIT_LOGIN_ACCOUNT: '6/h',
    LOGIN_LOCK_AT_FAILURE: '3',
    LOGIN_LOCK_FIRST: '1h',
    LOGIN_LOCK_LONGEST: '2h',
  })
  const { email } = await logIn(server)
  const first = await logInFrom(server, email, password)
  const cookie = deviceCookieOf(first)
  expect(cookie).toMatch(/^__Host-device=[\w-]{43}$/)

  // From the owner's own network until its pair is locked, then from other networks until the limit of the account is
  // reached.
  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, email, wrong)
  expect((await logInFrom(server, email, password)).body).toMatchObject({ code: 'locked' })
  for (let host = 10; host < 14; host++) await logInFrom(server, email, wrong, { address: `198.51.100.${host}` })
  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, email, wrong, { address: '203.0.113.1' })
  const stranger = await logInFrom(server, email, password, { address: '203.0.113.1' })
  expect(stranger.body).toMatchObject({ code: 'locked' })

  expect((await logInFrom(server, email, password, { cookie })).status).toBe(200)
  expect((await logInFrom(server, email, password, { cookie, address: '203.0.113.2' })).status).toBe(200)
})

test('the owner logs in from a new device while others guess the password from one or many addresses', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN_ACCOUNT: '10/m', RATE_LIMIT_LOGIN_PAIR: '10/m' })
  const { email } = await logIn(server)
  const owner: number[] = []
  for (let second = 0; second < 20; second++) {
    await logInFrom(server, email, wrong, { address: '192.0.2.66' })
    await logInFrom(server, email, wrong, { address: `198.51.100.${second}` })
    owner.push((await logInFrom(server, email, password, { address: '203.0.113.9' })).status)
  }
  expect(owner).toEqual(Array(20).fill(200))
})

test('after its failures an account allows each further network a few guesses per day, until an administrator unlocks it', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN_ACCOUNT: '2/h', LOGIN_LOCK_AT_FAILURE: '100' })
  const { email } = await logIn(server)
  const guess = (address: string) => logInFrom(server, email, wrong, { address })
  for (const address of ['192.0.2.1', '192.0.2.2']) expect((await guess(address)).status).toBe(401)

  const fromOne: Answer[] = []
  for (let attempt = 0; attempt < 4; attempt++) fromOne.push(await guess('198.51.100.1'))
  expect(fromOne.map(({ status }) => status)).toEqual([401, 401, 401, 429])
  expect(fromOne[3]?.body).toMatchObject({ code: 'locked' })
  expect(Number(fromOne[3]?.headers['retry-after'])).toBeGreaterThan(7 * 3_600)

  // An IPv6 subscriber has many networks. All networks of a /48 share eight times the limit.
  const answers: number[] = []
  for (let net = 0; net < 30; net++) {
    answers.push((await guess(`2001:db8:7:${(net * 256).toString(16)}::1`)).status)
  }
  expect(answers.filter((status) => status === 401)).toHaveLength(24)

  const locked = await logInFrom(server, email, password, { address: '198.51.100.1' })
  expect(locked.status).toBe(429)
  const { bearer } = await logInAsAdmin(server)
  const { body } = await server.get('/v1/admin/users?email_prefix='.concat(encodeURIComponent(email)), bearer)
  const [user] = body['users'] as { id: string }[]
  expect((await server.post(`/v1/admin/users/${user?.id}/unlock`, {}, bearer)).status).toBe(204)
  expect((await logInFrom(server, email, password, { address: '198.51.100.1' })).status).toBe(200)
})

test('successful logins do not count towards the limits of the account', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN_ACCOUNT: '3/h', RATE_LIMIT_LOGIN_PAIR: '3/h' })
  const { email } = await logIn(server)
  for (let attempt = 0; attempt < 6; attempt++) expect((await logInFrom(server, email, password)).status).toBe(200)
})

test('the owner on a known device is served while guesses wait for their turn', async () => {
  const server = await serverWith({ BCRYPT_COST: '10', LOGIN_LOCK_AT_FAILURE: '100' })
  const { email } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, email, password))
  const guesses = Array.from({ length: 90 }, (_, net) =>
    logInFrom(server, email, wrong, { address: `2001:db8:${net}:1::1` }),
  )
  let turned = 0
  for (const guess of guesses) void guess.then(() => turned++)
  // The queue is full when a guess is refused.
  await Promise.race(guesses.map(async (guess) => ((await guess).status === 503 ? true : new Promise(() => {}))))
  expect((await logInFrom(server, email, password, { cookie })).status).toBe(200)
  expect(turned, 'guesses that ended before the login of the owner').toBeLessThan(90)
  await Promise.all(guesses)
})

test('logins of unknown emails wait behind those of known ones', async () => {
  const limits = { RATE_LIMIT_LOGIN_ACCOUNT: '1000/s', RATE_LIMIT_LOGIN_PAIR: '1000/s' }
  const server = await serverWith({ BCRYPT_COST: '10', ...limits })
  const { email } = await logIn(server)
  const unknown = Array.from({ length: 90 }, (_, index) =>
    logInFrom(server, `nobody-${index}@example.com`, wrong, { address: `198.51.100.${index}` }),
  )
  await Promise.race(unknown.map(async (guess) => ((await guess).status === 503 ? true : new Promise(() => {}))))
  expect((await logInFrom(server, email, password, { address: '203.0.113.5' })).status).toBe(200)
  await Promise.all(unknown)
})

test('an IPv6 subscriber gains little from having many networks', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN: '2/h' })
  const allowed = async (addresses: string[]) => {
    let count = 0
    for (const [index, address] of addresses.entries()) {
      const { status } = await logInFrom(server, `${index}@${address.length}.example.com`, wrong, { address })
      if (status === 401) count++
    }
    return count
  }
  const inOne56 = Array.from({ length: 8 }, (_, net) => `2001:db8:1:1${net}::1`)
  const inOne48 = Array.from({ length: 24 }, (_, net) => `2001:db8:2:${(net * 256).toString(16)}::1`)
  expect(await allowed(inOne56)).toBe(4)
  expect(await allowed(inOne48)).toBe(16)
})

test('ports written by a proxy, or arbitrary text from a client, do not give separate limits', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN: '3/h' })
  const tries = async (addresses: string[]) => {
    const answers: number[] = []
    for (const address of addresses) {
      answers.push((await logInFrom(server, `${answers.length}@example.com`, wrong, { address })).status)
    }
    return answers
  }
  const limited = [401, 401, 401, 429, 429]
  expect(await tries([0, 1, 2, 3, 4].map((port) => `203.0.113.9:4000${port}`))).toEqual(limited)
  expect(await tries([0, 1, 2, 3, 4].map((port) => `[2001:db8:9::1]:4000${port}`))).toEqual(limited)
  expect(await tries(['one', 'two', '203.0.113', 'unknown', '<script>'])).toEqual(limited)
})

test('a client that bypasses the proxies cannot choose the address that limits count', async () => {
  const secret = 'a-secret-that-the-edge-sends'
  const bySecret = await serverWith({ RATE_LIMIT_LOGIN: '2/h', TRUSTED_PROXY_SECRET: secret })
  // These requests come from 127.0.0.1.
  const byNetwork = await serverWith({ RATE_LIMIT_LOGIN: '2/h', TRUSTED_PROXIES: '10.0.0.0/8' })
  for (const server of [bySecret, byNetwork]) {
    const answers: number[] = []
    for (let host = 1; host < 5; host++) {
      answers.push((await logInFrom(server, 'x@example.com', wrong, { address: `198.51.100.${host}` })).status)
    }
    expect(answers).toEqual([401, 401, 429, 429])
  }
  const fromEdge = { 'x-forwarded-for': '198.51.100.9', 'x-proxy-secret': secret }
  const { status } = await bySecret.post('/v1/auth/login', { email: 'x@example.com', password: wrong }, fromEdge)
  expect(status).toBe(401)
})

test('using a known device renews its lifetime', async () => {
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

test('a device is known for one account only, and its own failures lock it', async () => {
  const server = await serverWith({ LOGIN_LOCK_AT_FAILURE: '3', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' })
  const attacker = await logIn(server)
  const { email: victim } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, attacker.email, password))

  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, victim, wrong, { cookie })
  expect((await logInFrom(server, victim, password)).body).toMatchObject({ code: 'locked' })

  for (let attempt = 0; attempt < 3; attempt++) await logInFrom(server, attacker.email, wrong, { cookie })
  expect((await logInFrom(server, attacker.email, password, { cookie })).body).toMatchObject({ code: 'locked' })
})

test('the first device of a user is known, however many users share the address', async () => {
  const server = await serverWith({ RATE_LIMIT_LOGIN: '100000/s', RATE_LIMIT_REGISTER: '100000/s' })
  const crowd = await logIn(server)
  const address = '192.0.2.1'
  const loginOfCrowd = () => logInFrom(server, crowd.email, password, { address })
  for (let device = 0; device < newDevicesPerDay.count + 1; device++) await loginOfCrowd()
  expect((await loginOfCrowd()).headers['set-cookie'], 'another device of a user with devices').toBeUndefined()
  const { email } = await logIn(server)
  await server.app.mongo.db
    .collection('known_devices')
    .deleteMany({ userId: (await server.app.users.findByEmail(parseEmail(email)))?._id })
  expect(deviceCookieOf(await logInFrom(server, email, password, { address }))).toMatch(/^__Host-device=/)
})

test('a login with an unknown device sends the same database queries whether or not the email is registered', async () => {
  const server = await serverWith({})
  const { email } = await logIn(server)
  let asked: string[] = []
  server.app.mongo.client.on('commandStarted', ({ command }) => {
    // The feed of revocations reads too, but never by id.
    const isOfLogin = ['known_devices', 'users'].includes(command['find']) || typeof command['filter']?._id === 'string'
    if (isOfLogin) asked.push(command['find'])
  })
  const questionsOf = async (whose: string) => {
    asked = []
    expect((await logInFrom(server, whose, wrong, { cookie: `__Host-device=${'x'.repeat(43)}` })).status).toBe(401)
    return asked
  }
  const ofUser = await questionsOf(email)
  expect(ofUser).toEqual(['users', 'revocations', 'known_devices'])
  expect(await questionsOf('nobody@example.com')).toEqual(ofUser)
})

test('a known device has one entry, of which the database stores only a hash', async () => {
  const server = await serverWith({})
  const { email } = await logIn(server)
  const cookie = deviceCookieOf(await logInFrom(server, email, password))
  const again = await logInFrom(server, email, password, { cookie })
  expect(again.headers['set-cookie']).toBeUndefined()
  const devices = await server.app.mongo.db.collection('known_devices').find().toArray()
  expect(JSON.stringify(devices)).not.toContain(cookie.split('=')[1])
})

test('every route counts towards the limit of an address, except the verification of tokens', async () => {
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

test('while Redis hangs or is unavailable each server grants its share immediately; after a recovery the servers count together', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const environment = {
    DATABASE_NAME: freshDatabase(),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    RATE_LIMIT_LOGIN: '4/h',
  }
  // Two servers share the limits, which Redis counts.
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
  control.on('error', () => {}) // the test stops Redis below
  await control.client('PAUSE', 60_000, 'ALL')
  let hasAnswered = false
  void control.ping().then(
    () => {
      hasAnswered = true
    },
    () => {}, // Redis was stopped
  )
  expect(await statuses('192.0.2.2', 3)).toEqual([401, 401, 429])
  expect(hasAnswered, 'Redis answered while it should hang').toBe(false)

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
      { timeout: 40_000, interval: 200 },
    )
    .toBe(1)
})
