import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { runMigrations } from '../../../api-server/migrations/run.ts'
import { type AppForTest, logIn, password } from './app-for-test.ts'
import {
  type Deployment,
  maxMilliseconds,
  observe,
  startDeployment,
  timed,
  untilEitherIsEnough,
  waysToBeAway,
  withinOwnTime,
} from './outage.ts'

type Way = keyof typeof waysToBeAway

let deployment: Deployment
let one: AppForTest
let other: AppForTest
/** A server that may verify without fresh revocations only for a moment. */
let strict: AppForTest
/** A server that verifies without fresh revocations. */
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
  // Nothing is restarted.
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

/** Sends each request at the start of the outage, and again once the server has detected it. */
async function expectAnswers(calls: Record<string, [call: () => ReturnType<AppForTest['get']>, status: number]>) {
  for (const when of ['at the start', 'once detected']) {
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
      expect(milliseconds, `${what} ${when}`).toBeLessThan(maxMilliseconds)
      if (status === 503) expect(headers['retry-after']).toMatch(/^\d+$/)
    }
  }
}

describe.each<Way>(['stopped', 'paused'])('Redis is %s', (way) => {
  test('verification, login, refresh and logout work, and the server is ready', async () => {
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
      timeout: 40_000,
    })
    expect(await observe(one, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
    expect((await observe(one, '/livez')).status).toBe(200)
  })

  test('a revocation reaches the other server through MongoDB, and Redis after its recovery', async () => {
    const leaver = await logIn(one)
    const everywhere = await logIn(one)
    await away(way, 'redis')
    expect((await one.post('/v1/auth/logout', {}, leaver.bearer)).status).toBe(204)
    expect((await one.post('/v1/auth/logout-all', {}, everywhere.bearer)).status).toBe(204)
    for (const { bearer } of [leaver, everywhere]) {
      await withinOwnTime(maxMilliseconds, async () =>
        expect((await other.get('/v1/auth/verify', bearer)).status).toBe(401),
      )
    }
    const marked = () => one.app.mongo.db.collection('revocations').countDocuments({ unpublished: true })
    expect(await marked()).toBeGreaterThanOrEqual(2)
    await endOutage?.()
    endOutage = undefined
    await vi.waitFor(async () => expect(await marked()).toBe(0), { timeout: 40_000, interval: 100 })
    const told = JSON.stringify(await one.app.redis.xrange('auth:revocations', '-', '+'))
    for (const { sid, sub } of [await claimsOf(leaver), await claimsOf(everywhere)]) {
      expect(told.includes(sid) || told.includes(sub)).toBe(true)
    }
  })
})

async function claimsOf({ accessToken }: { accessToken: string }) {
  return one.app.tokens.verifyAccessToken(accessToken)
}

test('while Redis is unavailable, no client gets more than a share of a limit', async () => {
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
  test('verification works, requests that need the database are refused, and nothing queues up', async () => {
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
      metadata: [() => one.get('/.well-known/oauth-authorization-server'), 200],
    })
    const crowd = await Promise.all(
      Array.from({ length: 100 }, () =>
        timed(() => one.post('/v1/auth/refresh', { refresh_token: user.refreshToken })),
      ),
    )
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]))
    expect(Math.max(...crowd.map(({ milliseconds }) => milliseconds))).toBeLessThan(maxMilliseconds)

    // Longer than ten seconds, after which every server used to lose its readiness.
    await vi.waitFor(() => expect(one.app.mongo.watch.silentMilliseconds).toBeGreaterThan(11_000), { timeout: 30_000 })
    expect(await observe(one, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
    expect((await observe(one, '/livez')).status).toBe(200)
    await expect.poll(async () => (await observe(one, '/metrics')).body).toMatch(/^mongodb_up 0$/m)
    expect((await one.get('/v1/auth/verify', user.bearer)).status).toBe(200)
    // Redis has propagated revocations, so tokens are verified during the outage: no session can be revoked meanwhile.
    await expect.poll(async () => (await strict.get('/v1/auth/verify', user.bearer)).status).toBe(200)

    await endOutage?.()
    endOutage = undefined
    // The database may have executed the refused logout after it recovered; nothing else is allowed.
    // Its orphaned transaction blocks no other request: that took 10 s and more.
    await withinOwnTime(9_000, async () => {
      const { status, body } = await one.post('/v1/auth/refresh', { refresh_token: user.refreshToken })
      expect([200, 'session_revoked'], JSON.stringify(body)).toContain(status === 200 ? status : body['code'])
    })
  }, 240_000)
})

describe.each<Way>(['stopped', 'paused'])('both are %s', (way) => {
  test('tokens are verified while revocations are fresh, then refused, or accepted if so configured', async () => {
    const user = await logIn(one)
    await vi.waitFor(async () => expect((await strict.get('/v1/auth/verify', user.bearer)).status).toBe(200), {
      timeout: 40_000,
    })
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
      { timeout: 40_000, interval: 50 },
    )
    expect(stale.milliseconds).toBeLessThan(maxMilliseconds)
    expect(stale.headers['retry-after']).toMatch(/^\d+$/)
    expect((await lenient.get('/v1/auth/verify', user.bearer)).status).toBe(200)
    expect((await observe(one, '/livez')).status).toBe(200)
  }, 240_000)
})

describe('MongoDB recovers without its data', () => {
  test('no email gets two accounts: servers refuse requests and are not ready until the migration has run again', async () => {
    const { mongo } = deployment
    await mongo.stop()
    await mongo.empty()
    await mongo.start()
    const person = { email: 'twin@example.com', password, name: 'Twin' }
    const register = async () => (await one.post('/v1/auth/register', person)).status
    const statuses: number[] = []
    await vi.waitFor(
      async () => {
        statuses.push(...(await Promise.all([register(), register(), register()])))
        const { status, body } = await observe(one, '/readyz')
        expect({ status, body }).toEqual({
          status: 503,
          body: expect.stringContaining('migration 001-users has not run'),
        })
      },
      { timeout: 60_000, interval: 200 },
    )
    expect(new Set(statuses)).toEqual(new Set([503]))
    const { database, usersCollection } = one.config.mongodb
    await runMigrations(one.app.mongo.client.db(database), usersCollection)
    await vi.waitFor(async () => expect((await observe(one, '/readyz')).status).toBe(200), { timeout: 60_000 })
    expect((await Promise.all([register(), register(), register()])).sort()).toEqual([201, 409, 409])
  }, 240_000)

  test('servers detect a dropped users collection, and the migration creates its index again', async () => {
    const { database, usersCollection } = one.config.mongodb
    const db = one.app.mongo.client.db(database)
    await db.dropCollection(usersCollection)
    await vi.waitFor(async () => expect((await observe(one, '/readyz')).status).toBe(503), { timeout: 30_000 })
    const ran = await runMigrations(db, usersCollection)
    expect(ran.map(({ id }) => id)).toEqual(['001-users'])
    await vi.waitFor(async () => expect((await observe(one, '/readyz')).status).toBe(200), { timeout: 60_000 })
  }, 240_000)
})
