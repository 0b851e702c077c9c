import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { RevocationSet } from '../../../api-server/plugins/app/revocation/revocation-set.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { type AppForTest, type LoggedIn, logIn, password, tokensOf } from './app-for-test.ts'
import { type Deployment, startDeployment, untilEitherIsEnough } from './outage.ts'

let deployment: Deployment
let one: AppForTest
let other: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  one = await deployment.start()
  other = await deployment.start()
})

afterAll(() => deployment.remove())

const status = async (server: AppForTest, { bearer }: Pick<LoggedIn, 'bearer'>) =>
  (await server.get('/v1/auth/verify', bearer)).status

async function userIdOf({ accessToken }: LoggedIn): Promise<string> {
  return (await one.app.tokens.verifyAccessToken(accessToken)).sub
}

async function untilRefused(server: AppForTest, user: LoggedIn): Promise<void> {
  await expect.poll(() => status(server, user), { interval: 2 }).toBe(401)
}

test('every server knows a revocation within a second, each of 20 times', async () => {
  const user = await logIn(one)
  for (let round = 0; round < 20; round++) {
    const { body } = await one.post('/v1/auth/login', { email: user.email, password })
    const session = { ...user, bearer: { authorization: `Bearer ${body['access_token']}` } }
    expect((await one.post('/v1/auth/logout', {}, session.bearer)).status).toBe(204)
    await untilRefused(other, session)
  }
})

test('a logout does not wait for a Redis that hangs: the other server reads it from MongoDB', async () => {
  const user = await logIn(one)
  using telling = vi.spyOn(one.app.redis, 'xadd').mockReturnValue(new Promise<string>(() => {}))
  expect((await one.post('/v1/auth/logout', {}, user.bearer)).status).toBe(204)
  expect(telling).toHaveBeenCalled()
  await untilRefused(other, user)
})

test('a revocation that Redis missed is published later, also during the publication of earlier ones', async () => {
  const [first, second] = [await logIn(one), await logIn(one)]
  const tell = one.app.redis.xadd.bind(one.app.redis)
  using _telling = vi
    .spyOn(one.app.redis, 'xadd')
    .mockRejectedValueOnce(new Error('Redis is unavailable for the first'))
    // The first one is published again. Meanwhile the second user logs out, without Redis.
    .mockImplementationOnce(async (...entry: Parameters<typeof tell>) => {
      expect((await one.post('/v1/auth/logout', {}, second.bearer)).status).toBe(204)
      return tell(...entry)
    })
    .mockRejectedValueOnce(new Error('Redis is unavailable for the second'))
  expect((await one.post('/v1/auth/logout', {}, first.bearer)).status).toBe(204)
  const untold = () => one.app.mongo.db.collection('revocations').countDocuments({ unpublished: true })
  await vi.waitFor(async () => expect(await untold()).toBe(0), { timeout: 40_000, interval: 100 })
})

test('a change of a user ends their sessions in the same transaction, on every server', async () => {
  const user = await logIn(one)
  const userId = await userIdOf(user)
  const users = one.app.mongo.db.collection(one.config.mongodb.usersCollection)
  await one.app.revocation.revokeUser(userId, 'user_disabled', (transaction) =>
    users.updateOne({ email: user.email }, { $set: { is_active: false } }, { session: transaction }),
  )
  await untilRefused(other, user)
  expect((await other.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401)
  expect(await users.findOne({ email: user.email })).toMatchObject({ is_active: false })
})

test('a failed change ends no session', async () => {
  const user = await logIn(one)
  const failing = one.app.revocation.revokeUser(await userIdOf(user), 'password_change', async () => {
    throw new Error('the new password was refused')
  })
  await expect(failing).rejects.toThrow('the new password was refused')
  expect(await status(one, user)).toBe(200)
  expect((await one.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(200)
})

test('in the second of a logout-all, sessions that began before it end and later ones do not', async () => {
  const { email } = await logIn(one)
  for (let round = 0; round < 5; round++) {
    const before = [await logIn(one, email), await logIn(other, email)] as const
    expect((await one.post('/v1/auth/logout-all', {}, before[0].bearer)).status).toBe(204)
    const after = [await logIn(one, email), await logIn(other, email)] as const
    for (const user of before) for (const server of [one, other]) await untilRefused(server, user)
    for (const user of after) for (const server of [one, other]) expect(await status(server, user)).toBe(200)
  }
})

test('a login that a revocation overtakes has ended, because its session carries the older version', async () => {
  const user = await logIn(one)
  const userId = await userIdOf(user)
  const found = await one.app.users.findByEmail(parseEmail(user.email))
  if (found === null) throw new Error('the user is gone')
  const version = await one.app.revocation.versionOf(userId)
  await one.app.revocation.revokeUser(userId, 'password_change')
  const { session, refreshToken } = await other.app.sessions.create({ userId: found._id, version }, new Date())
  const { token } = await other.app.tokens.issueAccessToken({ userId, role: 'user', session })
  await untilRefused(other, { ...user, bearer: { authorization: `Bearer ${token}` } })
  expect((await other.post('/v1/auth/refresh', { refresh_token: refreshToken })).body['code']).toBe('session_revoked')
})

test('concurrent logouts of one user all succeed', async () => {
  const { email } = await logIn(one)
  const users = []
  for (let i = 0; i < 6; i++) users.push(await logIn(i % 2 === 0 ? one : other, email))
  const answers = await Promise.all(
    users.map(({ bearer }, i) =>
      (i % 2 === 0 ? other : one).post(i === 0 ? '/v1/auth/logout-all' : '/v1/auth/logout', {}, bearer),
    ),
  )
  // One whose session another logout has ended gets an answer that says so.
  for (const answer of answers) expect([204, 401]).toContain(answer.status)
  expect(answers[0]?.status).toBe(204)
  for (const user of users) await untilRefused(one, user)
})

test('a revocation lives as long as the longest token that was issued, whatever the current settings are', async () => {
  const longLived = await deployment.start({ ACCESS_TOKEN_LIFETIME: '1h' })
  const shortLived = await deployment.start({ ACCESS_TOKEN_LIFETIME: '1m' })
  const user = await logIn(longLived)
  const { sid, sub, exp } = await one.app.tokens.verifyAccessToken(user.accessToken)
  await shortLived.app.revocation.revokeSession(sid, 'logout')
  const everywhere = await logIn(longLived, user.email)
  await shortLived.app.revocation.revokeUser(sub, 'logout_all')
  const stored = one.app.mongo.db.collection<{ _id: string; tokensUntil: Date; expiresAt: Date }>('revocations')
  for (const _id of [`session:${sid}`, `user:${sub}`]) {
    const revocation = await stored.findOne({ _id })
    expect(revocation?.tokensUntil.getTime()).toBeGreaterThan((exp + 30) * 1000)
    expect(revocation?.expiresAt.getTime()).toBeGreaterThan(
      revocation?.tokensUntil.getTime() ?? Number.POSITIVE_INFINITY,
    )
  }
  await untilRefused(other, everywhere)
})

test('a server knows every revocation from its first answer on, even if Redis has forgotten them', async () => {
  const users = [await logIn(one), await logIn(one)] as const
  await one.post('/v1/auth/logout', {}, users[0].bearer)
  await one.post('/v1/auth/logout-all', {}, users[1].bearer)
  await deployment.redis.stop()
  await deployment.redis.start()
  const started = await deployment.start()
  for (const user of users) expect(await status(started, user)).toBe(401)
})

/** The duration of the partition. `CUT_OFF_SECONDS=60` lengthens it. */
const cutOffSeconds = Number(process.env['CUT_OFF_SECONDS'] ?? 2)

/** Starts a server behind proxies to its databases. */
async function startBehindProxies(environment: ServerEnvironment = {}) {
  const mongo = await TcpProxy.to(deployment.mongo.port)
  const redis = await TcpProxy.to(deployment.redis.port)
  const server = await deployment.start({
    MONGODB_URL: `mongodb://127.0.0.1:${mongo.port}/?directConnection=true`,
    REDIS_PORT: String(redis.port),
    REVOCATION_MAX_STALENESS: '2s',
    ...environment,
  })
  const setSilent = (silent: boolean) => {
    for (const proxy of [mongo, redis]) proxy.setSilent(silent)
  }
  return { server, mongo, redis, setSilent, close: () => Promise.all([mongo.close(), redis.close()]) }
}

test('a server that was cut off from all databases accepts no revoked token after it reconnects', {
  timeout: (cutOffSeconds + 60) * 1_000,
}, async () => {
  const { server: cutOff, mongo, redis, setSilent, close } = await startBehindProxies()
  try {
    const { email } = await logIn(one)
    const sessionOf = async () => tokensOf((await one.post('/v1/auth/login', { email, password })).body)
    const [stayer, ...leavers] = await Promise.all([0, 1, 2, 3, 4].map(sessionOf))
    if (stayer === undefined) throw new Error('no user has logged in')
    // Before it has read the databases, it answers that it does not know.
    for (const user of [stayer, ...leavers]) await expect.poll(() => status(cutOff, user)).toBe(200)

    setSilent(true)
    for (const { bearer } of leavers) {
      await one.post('/v1/auth/logout', {}, bearer)
      await setTimeout((cutOffSeconds * 1_000) / leavers.length) // the duration of the partition matters
    }
    // It cannot know of revocations, and soon says so.
    await vi.waitFor(async () => expect(await status(cutOff, stayer)).toBe(503), { timeout: 40_000, interval: 20 })
    for (const leaver of leavers) expect(await status(cutOff, leaver)).toBe(503)

    // Packets of that time are lost, as when TCP has backed off.
    for (const proxy of [mongo, redis]) proxy.abandon()
    setSilent(false)
    const onceBack = new Set<number>()
    await vi.waitFor(
      async () => {
        for (const leaver of leavers) onceBack.add(await status(cutOff, leaver))
        expect(await status(cutOff, stayer)).toBe(200)
      },
      { timeout: 40_000, interval: 1 },
    )
    for (const leaver of leavers) {
      const answer = async () => {
        const answered = await status(cutOff, leaver)
        onceBack.add(answered)
        return answered
      }
      await expect.poll(answer).toBe(401)
    }
    expect(onceBack).not.toContain(200)
  } finally {
    await close()
  }
})

/** A stream entry for a session that no test uses. */
function newsOf(subject: string): string {
  const soon = new Date(Date.now() + 600_000).toISOString()
  const times = { changedAt: new Date().toISOString(), tokensUntil: soon, expiresAt: soon }
  return JSON.stringify({ _id: `session:${subject}`, kind: 'session', subject, watermark: 1, ...times })
}

test('a server that reconnects to more revocations than it reads at once accepts no revoked token before it has read all', async () => {
  // The position that it has read to: an empty stream would count as one with a gap.
  await one.post('/v1/auth/logout', {}, (await logIn(one)).bearer)
  const { server: cutOff, redis, setSilent, close } = await startBehindProxies()
  try {
    const [leaver, stayer] = [await logIn(one), await logIn(one)]
    await expect.poll(() => status(cutOff, leaver)).toBe(200)
    await untilEitherIsEnough(cutOff, { followers: 3 })
    setSilent(true)
    await vi.waitFor(async () => expect(await status(cutOff, stayer)).toBe(503), { timeout: 40_000, interval: 20 })
    // Published earlier: twenty times what a server reads at once. The servers' own client would time out.
    const patient = one.app.redis.duplicate({ commandTimeout: 60_000, enableOfflineQueue: true })
    onTestFinished(() => patient.disconnect())
    for (let batch = 0; batch < 20; batch++) {
      const told = patient.pipeline()
      for (let index = 0; index < 1_000; index++) {
        told.xadd('auth:revocations', '*', 'revocation', newsOf(`${batch}-${index}`))
      }
      expect((await told.exec())?.filter(([error]) => error !== null)).toEqual([])
    }
    await one.post('/v1/auth/logout', {}, leaver.bearer)

    // Only Redis is reachable, so the server knows exactly what it has read from the stream.
    redis.abandon()
    redis.setSilent(false)
    const seen = new Set<number>()
    await vi.waitFor(
      async () => {
        seen.add(await status(cutOff, leaver))
        expect(await status(cutOff, stayer)).toBe(200)
      },
      { timeout: 40_000, interval: 1 },
    )
    const answer = async () => {
      const answered = await status(cutOff, leaver)
      seen.add(answered)
      return answered
    }
    await expect.poll(answer).toBe(401)
    expect(seen).not.toContain(200)
  } finally {
    await close()
  }
})

test('the revocation of a token that is too old for the memory is looked up in the database', async () => {
  const { email, ...leaver } = await logIn(one)
  const [everywhere, stayer] = [await logIn(one), await logIn(one)]
  // As on a server that has received more revocations than it keeps.
  using check = vi.spyOn(RevocationSet.prototype, 'check').mockReturnValue('forgotten')
  for (const user of [leaver, everywhere, stayer]) expect(await status(other, user)).toBe(200)
  await one.post('/v1/auth/logout', {}, leaver.bearer)
  await one.post('/v1/auth/logout-all', {}, everywhere.bearer)
  expect(await status(other, leaver)).toBe(401)
  expect(await status(other, everywhere)).toBe(401)
  expect(await status(other, await logIn(one, email))).toBe(200)
  expect(await status(other, stayer)).toBe(200)
  expect(check).toHaveBeenCalled()
})

test('a server that is cut off from Redis only learns of a revocation through MongoDB', async () => {
  const proxy = await TcpProxy.to(deployment.redis.port)
  try {
    const cutOff = await deployment.start({ REDIS_PORT: String(proxy.port) })
    const fromHere = await logIn(one)
    const fromThere = await logIn(cutOff)
    proxy.setSilent(true)
    await one.post('/v1/auth/logout', {}, fromHere.bearer)
    await expect.poll(() => status(cutOff, fromHere), { interval: 5 }).toBe(401)
    // The others learn of its own revocation, although their Redis is available and does not report it.
    await cutOff.post('/v1/auth/logout', {}, fromThere.bearer)
    await expect.poll(() => status(one, fromThere), { interval: 5 }).toBe(401)
  } finally {
    await proxy.close()
  }
})
