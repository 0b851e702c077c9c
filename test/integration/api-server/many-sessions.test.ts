import { MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { maxSessions } from '../../../api-server/plugins/app/sessions/session-list.ts'
import {
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
} from './app-for-test.ts'

/** Users with more sessions than the limit allows. */
const many = 60_000
let server: AppForTest
let other: AppForTest
let admin: LoggedIn

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  server = await startApp({ DATABASE_NAME })
  other = await startApp({ DATABASE_NAME })
  admin = await logInAsAdmin(server)
})
afterAll(() => Promise.all([server.close(), other.close()]))

const sessions = () => server.app.mongo.db.collection<Session>('sessions')
const idOf = async ({ accessToken }: LoggedIn) => (await server.app.tokens.verifyAccessToken(accessToken)).sub

/** Copies the user's session within the database, as an earlier version could have created it. */
async function copySessions(userId: string, count: number): Promise<void> {
  const template = await sessions().findOne({ userId: new ObjectId(userId) })
  if (template === null) throw new Error('the user has no session')
  const { _id, ...rest } = template
  // Not with the server's client, which times out.
  await using client = new MongoClient(inject('mongoUrl'))
  await client
    .db(server.app.mongo.db.databaseName)
    .aggregate([
      { $documents: [{ n: { $range: [0, count] } }] },
      { $unwind: '$n' },
      { $replaceWith: { $mergeObjects: [{ $literal: rest }, { _id: { $concat: [`${_id}-`, { $toString: '$n' }] } }] } },
      { $merge: { into: 'sessions' } },
    ])
    .toArray()
}

test.each<[string, (user: LoggedIn, id: string) => Promise<{ status: number }>]>([
  ['disabled', (_user, id) => server.post(`/v1/admin/users/${id}/disable`, {}, admin.bearer)],
  ['logged out everywhere', ({ bearer }) => server.post('/v1/auth/logout-all', {}, bearer)],
  [
    'given a new password',
    ({ bearer }) =>
      server.post(
        '/v1/auth/password/change',
        { current_password: password, new_password: 'a new horse battery' },
        bearer,
      ),
  ],
])(`a user with ${many} sessions is %s like any other`, { timeout: 120_000 }, async (_what, act) => {
  const user = await logIn(server)
  const id = await idOf(user)
  await copySessions(id, many)
  expect(await act(user, id)).toMatchObject({ status: 204 })
  await expect.poll(async () => (await other.get('/v1/auth/verify', user.bearer)).status, { interval: 5 }).toBe(401)
  expect((await other.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401)
  const left = () => sessions().countDocuments({ userId: new ObjectId(id), revokedAt: { $exists: false } })
  await expect.poll(left, { timeout: 60_000, interval: 50 }).toBe(0)
})

test('ending all sessions of a user reads by an index, however many sessions exist', async () => {
  const user = await logIn(server)
  const userId = new ObjectId(await idOf(user))
  await copySessions(userId.toHexString(), 2_000)
  for (const end of ['accessUntil', 'expiresAt']) {
    const plan = await sessions()
      .find({ userId })
      .sort({ [end]: -1 })
      .limit(1)
      .explain('executionStats')
    expect(plan['executionStats'].totalDocsExamined, end).toBe(1)
  }
})

test('of more sessions than a user may have, the least recently used end', async () => {
  const user = await logIn(server)
  const userId = new ObjectId(await idOf(user))
  const version = await server.app.revocation.versionOf(userId.toHexString())
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  const oldest = await server.app.sessions.create({ userId, version }, minutesAgo(500))
  for (let n = 0; n < maxSessions; n++) await server.app.sessions.create({ userId, version }, minutesAgo(n + 1))
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
  const running = () => sessions().countDocuments({ userId, revokedAt: { $exists: false } })
  await expect.poll(running, { interval: 20 }).toBe(maxSessions)
  const refreshed = await other.post('/v1/auth/refresh', { refresh_token: oldest.refreshToken })
  expect(refreshed).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect((await other.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(200)
})

test('of more devices than are remembered, the least recently used is forgotten', async () => {
  const user = await logIn(server)
  const userId = new ObjectId(await idOf(user))
  const now = Date.now()
  const cookies: string[] = []
  for (let n = 0; n < 60; n++) {
    cookies.push(await server.app.knownDevices.add({ userId, version: 0 }, new Date(now + 1_000 + n)))
  }
  const isKnown = async (cookie = '') => (await server.app.knownDevices.find(cookie, userId, 0, new Date(now))) !== null
  expect(await server.app.mongo.db.collection('known_devices').countDocuments({ userId })).toBe(50)
  expect([await isKnown(cookies[0]), await isKnown(cookies[59])]).toEqual([false, true])
})
