import { setTimeout } from 'node:timers/promises'
import type { Collection } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashOf } from '../../../api-server/plugins/app/opaque-token.ts'
import { sessionIdOf } from '../../../api-server/plugins/app/sessions/refresh-token.ts'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { type AppForTest, freshDatabase, logIn, startApp, tokensOf } from './app-for-test.ts'

/** Two servers of one deployment: the same keys, database and Redis. */
let one: AppForTest
let other: AppForTest

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  one = await startApp({ DATABASE_NAME })
  other = await startApp({ DATABASE_NAME })
})

afterAll(() => Promise.all([one.close(), other.close()]))

/** Retries after a 503, as a client does. */
async function refreshPatiently(server: AppForTest, refreshToken: string) {
  const deadline = performance.now() + server.config.refreshTokenGraceSeconds * 1000
  for (;;) {
    const answer = await refresh(server, refreshToken)
    if (answer.status !== 503 || performance.now() > deadline) return answer
    await setTimeout(100)
  }
}

function sessions(): Collection<Session> {
  return one.app.mongo.db.collection<Session>('sessions')
}

async function sessionOf(refreshToken: string): Promise<Session> {
  const session = await sessions().findOne({ _id: sessionIdOf(refreshToken) ?? '' })
  if (session === null) throw new Error('there is no session of this token')
  return session
}

/** Moves the times of used tokens into the past. */
async function ageSpentTokens(refreshToken: string, milliseconds: number): Promise<void> {
  const { _id, recent } = await sessionOf(refreshToken)
  const aged = recent.map((token) => ({ ...token, spentAt: new Date(token.spentAt.getTime() - milliseconds) }))
  await sessions().updateOne({ _id }, { $set: { recent: aged } })
}

const refresh = (server: AppForTest, refreshToken: string) =>
  server.post('/v1/auth/refresh', { refresh_token: refreshToken })

test('a token of one server is valid on the other', async () => {
  const { bearer, email } = await logIn(one)
  const verified = await other.get('/v1/auth/verify', bearer)
  expect(verified).toMatchObject({
    status: 200,
    headers: { 'x-auth-user': expect.any(String), 'x-auth-role': 'user', 'x-auth-session': expect.any(String) },
  })
  expect(await other.get('/v1/me', bearer)).toMatchObject({ status: 200, body: { email } })
})

test('a logout ends the session on every server within a second', async () => {
  const { bearer, refreshToken } = await logIn(one)
  expect((await one.post('/v1/auth/logout', {}, bearer)).status).toBe(204)
  expect((await one.get('/v1/auth/verify', bearer)).body).toMatchObject({ code: 'session_revoked' })
  await expect.poll(async () => (await other.get('/v1/auth/verify', bearer)).status, { interval: 10 }).toBe(401)
  expect((await refresh(other, refreshToken)).body).toMatchObject({ code: 'session_revoked' })
})

test('logout-all ends every session of the user, and none of another user', async () => {
  const { email, bearer: phone } = await logIn(one)
  const laptop = await logIn(other, email)
  const somebody = await logIn(one)
  expect((await one.post('/v1/auth/logout-all', {}, phone)).status).toBe(204)
  await expect.poll(async () => (await other.get('/v1/auth/verify', laptop.bearer)).status, { interval: 10 }).toBe(401)
  expect((await refresh(other, laptop.refreshToken)).body).toMatchObject({ code: 'session_revoked' })
  expect((await other.get('/v1/auth/verify', somebody.bearer)).status).toBe(200)
})

test('a refresh gives a new pair of tokens, and the old access token stays valid', async () => {
  const { bearer, refreshToken } = await logIn(one)
  const { status, body } = await refresh(other, refreshToken)
  expect(status).toBe(200)
  const next = tokensOf(body)
  expect(next.refreshToken).not.toBe(refreshToken)
  expect((await one.get('/v1/auth/verify', next.bearer)).status).toBe(200)
  expect((await one.get('/v1/auth/verify', bearer)).status).toBe(200)
})

test('100 concurrent refreshes of one token all get the same successor', async () => {
  const { refreshToken } = await logIn(one)
  const before = await sessionOf(refreshToken)
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => refreshPatiently(index % 2 === 0 ? one : other, refreshToken)),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200))
  const successors = new Set(answers.map(({ body }) => String(body['refresh_token'])))
  expect(successors.size).toBe(1)
  const after = await sessionOf(refreshToken)
  expect(after.recent.map(({ hash }) => hash)).toEqual([before.current.hash])
  expect(after.current.hash).toBe(hashOf([...successors][0] ?? ''))
})

test('a tab with an old token gets the current one, while its token is within the grace', async () => {
  const { refreshToken: first } = await logIn(one)
  const second = tokensOf((await refresh(one, first)).body)
  const third = tokensOf((await refresh(other, second.refreshToken)).body)
  await ageSpentTokens(first, 5_000)
  const late = tokensOf((await refresh(one, first)).body)
  expect(late.refreshToken).toBe(third.refreshToken)
  expect((await one.get('/v1/auth/verify', late.bearer)).status).toBe(200)
})

test('a token that is used after its grace ends the whole session on every server', async () => {
  const { refreshToken: stolen } = await logIn(one)
  const second = tokensOf((await refresh(one, stolen)).body)
  const third = tokensOf((await refresh(one, second.refreshToken)).body)
  await ageSpentTokens(third.refreshToken, 11_000)
  const theft = await refresh(other, stolen)
  expect(theft).toMatchObject({ status: 401, body: { code: 'refresh_reused' } })
  expect((await refresh(one, third.refreshToken)).body).toMatchObject({ code: 'session_revoked' })
  await expect.poll(async () => (await one.get('/v1/auth/verify', third.bearer)).status, { interval: 10 }).toBe(401)
})

test('the database has no token, only hashes', async () => {
  const { refreshToken } = await logIn(one)
  const next = tokensOf((await refresh(one, refreshToken)).body)
  const sessions = await one.app.mongo.db.collection<Session>('sessions').find().toArray()
  expect(sessions.length).toBeGreaterThan(0)
  const text = JSON.stringify(sessions)
  for (const token of [refreshToken, next.refreshToken, next.accessToken]) expect(text).not.toContain(token)
})

test('a made-up token reveals nothing about the session that it names, and does not harm it', async () => {
  const { refreshToken, bearer } = await logIn(one)
  const [sessionId] = refreshToken.split('.')
  await one.post('/v1/auth/logout', {}, (await logIn(one)).bearer)
  const madeUp = await refresh(one, `${sessionId}.${'A'.repeat(43)}`)
  expect(madeUp).toMatchObject({ status: 401, body: { code: 'refresh_invalid' } })
  expect((await one.get('/v1/auth/verify', bearer)).status).toBe(200)
  expect((await refresh(one, refreshToken)).status).toBe(200)
})

test('the error for an expired session says so', async () => {
  const { refreshToken, email } = await logIn(one)
  const user = await one.app.users.findByEmail(parseEmail(email))
  const sessions = one.app.mongo.db.collection<Session>('sessions')
  const longAgo = new Date(Date.now() - 1_000)
  if (user === null) throw new Error('the user is gone')
  await sessions.updateOne({ userId: user._id }, { $set: { idleExpiresAt: longAgo } })
  expect(await refresh(one, refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh_expired' } })
})

test.each([
  ['nothing', {}],
  ['another scheme', { authorization: 'Basic dTpw' }],
  ['no token', { authorization: 'Bearer ' }],
  ['not a token', { authorization: 'Bearer abc' }],
  [
    'a token without a signature',
    { authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.` },
  ],
])('%s is answered 401 with WWW-Authenticate', async (_what, headers) => {
  const { status, body, headers: answered } = await one.get('/v1/auth/verify', headers)
  expect(status).toBe(401)
  expect(body['code']).toMatch(/^token_(missing|invalid)$/)
  expect(answered['www-authenticate']).toMatch(/^Bearer realm=/)
})
