import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AppForTest, logIn, password } from './app-for-test.ts'
import {
  type Deployment,
  mostMilliseconds,
  observe,
  startDeployment,
  timed,
  untilEitherIsEnough,
  waysToBeAway,
} from './outage.ts'

type Way = keyof typeof waysToBeAway

let deployment: Deployment
let one: AppForTest
let other: AppForTest
/** One that may verify without news for a moment only. */
let strict: AppForTest
/** One that goes on without news. */
let lenient: AppForTest
let endOutage: (() => Promise<void>) | undefined

beforeAll(async () => {
  deployment = await startDeployment()
  one = await deployment.start({ REPLICAS: '2' })
  other = await deployment.start({ REPLICAS: '2' })
  strict = await deployment.start({ REVOCATION_MAX_STALENESS: '2s' })
  lenient = await deployment.start({ REVOCATION_MAX_STALENESS: '1s', REVOCATION_WHEN_STALE: 'accept' })
})

afterAll(() => deployment.remove())

afterEach(async () => {
  await endOutage?.()
  endOutage = undefined
  // Without a restart of anything.
  await vi.waitFor(
    async () => {
      for (const server of [one, other, strict, lenient]) {
        const email = `${randomUUID()}@example.com`
        const login = await server.post('/v1/auth/login', { email, password })
        expect({ status: login.status, ready: await observe(server, '/readyz') }).toEqual({
          status: 401,
          ready: { status: 200, body: 'ready\n' },
        })
        expect((await observe(server, '/metrics')).body).toMatch(/^redis_up 1$/m)
      }
    },
    { timeout: 30_000, interval: 100 },
  )
})

async function away(way: Way, ...names: ('mongo' | 'redis')[]): Promise<void> {
  const { begin, end } = waysToBeAway[way]
  const servers = names.map((name) => deployment[name])
  endOutage = async () => {
    await Promise.all(servers.map(end))
  }
  await Promise.all(servers.map(begin))
}

/** Each call at once, before the outage is noticed, and again when it is known. */
async function expectAnswers(calls: Record<string, [call: () => ReturnType<AppForTest['get']>, status: number]>) {
  for (const when of ['at once', 'once it is known']) {
    const answers = await Promise.all(
      Object.entries(calls).map(async ([what, [call, expected]]) => ({ what, expected, ...(await timed(call)) })),
    )
    for (const { what, expected, status, milliseconds, headers, body } of answers) {
      expect({ when, what, status, code: status === expected || body['code'] }).toEqual({
        when,
        what,
        status: expected,
        code: true,
      })
      expect(milliseconds, `${what} ${when}`).toBeLessThan(mostMilliseconds)
      if (status === 503) expect(headers['retry-after']).toMatch(/^\d+$/)
    }
  }
}

describe.each<Way>(['stopped', 'paused'])('Redis is %s', (way) => {
  test('verify, log-in, refresh and logout work, and the server is ready', async () => {
    const [user, first, second] = [await logIn(one), await logIn(one), await logIn(one)]
    const leaving = [first, second][Symbol.iterator]()
    await away(way, 'redis')
    await expectAnswers({
      verify: [() => one.get('/v1/auth/verify', user.bearer), 200],
      login: [() => one.post('/v1/auth/login', { email: user.email, password }), 200],
      refresh: [() => one.post('/v1/auth/refresh', { refresh_token: user.refreshToken }), 200],
      logout: [() => one.post('/v1/auth/logout', {}, leaving.next().value?.bearer), 204],
    })
    await vi.waitFor(async () => expect((await observe(one, '/metrics')).body).toMatch(/^redis_up 0$/m), {
      timeout: 10_000,
    })
    expect(await observe(one, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
    expect((await observe(one, '/livez')).status).toBe(200)
  })

  test('a revocation reaches the other server by MongoDB, and Redis once it is back', async () => {
    const leaver = await logIn(one)
    const everywhere = await logIn(one)
    await away(way, 'redis')
    expect((await one.post('/v1/auth/logout', {}, leaver.bearer)).status).toBe(204)
    expect((await one.post('/v1/auth/logout-all', {}, everywhere.bearer)).status).toBe(204)
    for (const { bearer } of [leaver, everywhere]) {
      await expect
        .poll(async () => (await other.get('/v1/auth/verify', bearer)).status, {
          timeout: mostMilliseconds,
          interval: 10,
        })
        .toBe(401)
    }
    const marked = () => one.app.mongo.db.collection('revocations').countDocuments({ unpublished: true })
    expect(await marked()).toBeGreaterThanOrEqual(2)
    await endOutage?.()
    endOutage = undefined
    await vi.waitFor(async () => expect(await marked()).toBe(0), { timeout: 20_000, interval: 100 })
    const told = JSON.stringify(await one.app.redis.xrange('auth:revocations', '-', '+'))
    for (const { sid, sub } of [await claimsOf(leaver), await claimsOf(everywhere)]) {
      expect(told.includes(sid) || told.includes(sub)).toBe(true)
    }
  })
})

async function claimsOf({ accessToken }: { accessToken: string }) {
  return one.app.tokens.verifyAccessToken(accessToken)
}

test('while Redis is away nobody gets more than a part of a limit', async () => {
  const limited = await deployment.start({ REPLICAS: '2', RATE_LIMIT_LOGIN: '6/m' })
  const attempt = () => limited.post('/v1/auth/login', { email: 'limited@example.com', password })
  await away('stopped', 'redis')
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await attempt()).status))
  const passed = statuses.filter((status) => status === 401).length
  expect(statuses.every((status) => [401, 429].includes(status))).toBe(true)
  expect(passed).toBeGreaterThanOrEqual(1)
  expect(passed).toBeLessThanOrEqual(3)
})

describe.each<Way>(['stopped', 'paused'])('MongoDB is %s', (way) => {
  test('verify works, everything that needs the database is refused, and nothing queues up', async () => {
    const user = await logIn(one)
    await untilEitherIsEnough(strict, { followers: deployment.instances })
    await away(way, 'mongo')
    await expectAnswers({
      verify: [() => one.get('/v1/auth/verify', user.bearer), 200],
      login: [() => one.post('/v1/auth/login', { email: user.email, password }), 503],
      register: [() => one.post('/v1/auth/register', { email: 'new@example.com', password, name: 'New' }), 503],
      refresh: [() => one.post('/v1/auth/refresh', { refresh_token: user.refreshToken }), 503],
      logout: [() => one.post('/v1/auth/logout', {}, user.bearer), 503],
      me: [() => one.get('/v1/me', user.bearer), 503],
      jwks: [() => one.get('/.well-known/jwks.json'), 200],
    })
    const crowd = await Promise.all(
      Array.from({ length: 100 }, () =>
        timed(() => one.post('/v1/auth/refresh', { refresh_token: user.refreshToken })),
      ),
    )
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]))
    expect(Math.max(...crowd.map(({ milliseconds }) => milliseconds))).toBeLessThan(mostMilliseconds)

    expect((await observe(one, '/livez')).status).toBe(200)
    expect((await observe(one, '/metrics')).body).toMatch(/^mongodb_up 0$/m)
    await vi.waitFor(
      async () => expect(await observe(one, '/readyz')).toEqual({ status: 503, body: 'MongoDB does not answer\n' }),
      { timeout: 20_000, interval: 200 },
    )
    // Redis tells, so tokens are judged for as long as it lasts: nobody can revoke meanwhile.
    await expect
      .poll(async () => (await strict.get('/v1/auth/verify', user.bearer)).status, { timeout: 5_000 })
      .toBe(200)

    await endOutage?.()
    endOutage = undefined
    // The log-out that was refused may have been carried out by a database that went on; nothing else is allowed.
    // Its transaction, which the database began and nobody goes on with, keeps nobody out: that took 10 s and more.
    await vi.waitFor(
      async () => {
        const { status, body } = await one.post('/v1/auth/refresh', { refresh_token: user.refreshToken })
        expect([200, 'session_revoked'], JSON.stringify(body)).toContain(status === 200 ? status : body['code'])
      },
      { timeout: 9_000, interval: 100 },
    )
  })
})

describe.each<Way>(['stopped', 'paused'])('both are %s', (way) => {
  test('tokens are verified for as long as the news are young, then refused, or accepted if configured so', async () => {
    const user = await logIn(one)
    await vi.waitFor(async () => expect((await strict.get('/v1/auth/verify', user.bearer)).status).toBe(200))
    await away(way, 'mongo', 'redis')
    await expectAnswers({
      verify: [() => one.get('/v1/auth/verify', user.bearer), 200],
      login: [() => one.post('/v1/auth/login', { email: user.email, password }), 503],
      refresh: [() => one.post('/v1/auth/refresh', { refresh_token: user.refreshToken }), 503],
      logout: [() => one.post('/v1/auth/logout', {}, user.bearer), 503],
    })
    const stale = await vi.waitFor(
      async () => {
        const answer = await timed(() => strict.get('/v1/auth/verify', user.bearer))
        expect(answer).toMatchObject({ status: 503, body: { code: 'revocation_unknown' } })
        return answer
      },
      { timeout: 20_000, interval: 50 },
    )
    expect(stale.milliseconds).toBeLessThan(mostMilliseconds)
    expect(stale.headers['retry-after']).toMatch(/^\d+$/)
    expect((await lenient.get('/v1/auth/verify', user.bearer)).status).toBe(200)
    expect((await observe(one, '/livez')).status).toBe(200)
  })
})
