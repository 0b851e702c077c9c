import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ensureInitialAdmin, makeAdmin } from '../../../api-server/initial-admin.ts'
import type { UserDocument } from '../../../api-server/plugins/app/users/user.ts'
import {
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'
import { runProgram } from './run-program.ts'

let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest
let admin: LoggedIn

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  const environment = { DATABASE_NAME, RATE_LIMIT_ADMIN: '100000/s', LOGIN_LOCK_FIRST: '1h', LOGIN_LOCK_LONGEST: '2h' }
  server = await startApp(environment)
  other = await startApp(environment)
  admin = await logInAsAdmin(server)
})
afterAll(() => Promise.all([server.close(), other.close()]))

async function idOf({ bearer }: LoggedIn, at = server): Promise<string> {
  return String((await at.get('/v1/me', bearer)).body['id'])
}

const as = (path: string, json: unknown = {}, at = server, who = admin) => at.post(`/v1/admin${path}`, json, who.bearer)

test('only administrators get in, by the token and by the database', async () => {
  const user = await logIn(server)
  for (const path of ['/users', '/events']) {
    expect(await server.get(`/v1/admin${path}`, user.bearer)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await server.get(`/v1/admin${path}`)).status).toBe(401)
    expect((await server.get(`/v1/admin${path}`, admin.bearer)).status).toBe(200)
  }
  // Another program takes the role away: the token still has it.
  const former = await logInAsAdmin(server)
  await users().updateOne({ email: former.email }, { $set: { role: 'user' } })
  expect((await server.get('/v1/admin/users', former.bearer)).status).toBe(403)
})

function users(at = server) {
  return at.app.mongo.db.collection<UserDocument>(at.config.mongodb.usersCollection)
}

test('users are listed page by page in the order of their emails, whatever the case, each once', async () => {
  const emails = [
    'Zed.1@list.org',
    'zed.10@list.org',
    'ZED.2@list.org',
    'zed.a@list.org',
    'zed_b@list.org',
    'Zéd@list.org',
  ]
  const document = { password_hash: 'none', name: 'Listed', role: 'user' as const, is_active: true }
  await users().insertMany(
    emails.map((email) => ({ _id: new ObjectId(), email, ...document }) as unknown as UserDocument),
  )
  const seen: string[] = []
  let cursor: unknown
  do {
    const query = new URLSearchParams({ limit: '2', ...(typeof cursor === 'string' && { cursor }) })
    const { status, body } = await server.get(`/v1/admin/users?${query}`, admin.bearer)
    expect(status).toBe(200)
    for (const { email } of body['users'] as { email: string }[]) seen.push(email)
    cursor = body['next_cursor']
  } while (cursor !== null)
  expect(seen).toHaveLength(await users().countDocuments())
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toEqual(seen.toSorted(new Intl.Collator('en', { sensitivity: 'accent' }).compare))

  const found = await server.get('/v1/admin/users?email_prefix=ZED.', admin.bearer)
  expect((found.body['users'] as { email: string }[]).map(({ email }) => email)).toEqual(emails.slice(0, 4))
  expect((await server.get('/v1/admin/users?cursor=bm90IG9uZQ', admin.bearer)).body).toMatchObject({
    code: 'cursor_invalid',
  })
  expect((await server.get('/v1/admin/events?cursor=bm90IG9uZQ', admin.bearer)).body).toMatchObject({
    code: 'cursor_invalid',
  })
  expect((await server.get('/v1/admin/users?limit=201', admin.bearer)).status).toBe(400)
})

test('searching by the beginning of an email reads what it finds and no more', async () => {
  const many = Array.from({ length: 3_000 }, (_, index) => ({ email: `bulk.${index}@example.com`, name: 'Bulk' }))
  await users().insertMany(many as unknown as UserDocument[])
  const plan = await users()
    .find({ email: { $gte: 'BULK.299', $lt: 'BULK.299\uffff' } }, { collation: { locale: 'en', strength: 2 } })
    .sort({ email: 1 })
    .explain('executionStats')
  expect(plan['executionStats']).toMatchObject({ nReturned: 11 })
  expect(plan['executionStats'].totalKeysExamined).toBeLessThanOrEqual(12)
  const found = await server.get('/v1/admin/users?email_prefix=BULK.299', admin.bearer)
  expect(found.body['users']).toHaveLength(11)
})

test('a user is made, read, changed and deleted', async () => {
  const email = 'made@example.com'
  const made = await as('/users', { email, password, name: 'Made' })
  expect(made).toMatchObject({ status: 201, body: { email, role: 'user', is_active: true } })
  const path = `/v1/admin/users/${made.body['id']}`
  expect((await as('/users', { email: 'MADE@example.com', password, name: 'Again' })).body).toMatchObject({
    code: 'email_taken',
  })
  expect((await as('/users', { email: 'x@example.com', password: 'short', name: 'X' })).status).toBe(422)
  expect((await server.patch(path, { name: 'Renamed' }, admin.bearer)).body).toMatchObject({ name: 'Renamed' })
  expect((await server.patch(path, { email: admin.email }, admin.bearer)).body).toMatchObject({ code: 'email_taken' })
  expect((await server.get(path, admin.bearer)).body).toMatchObject({ name: 'Renamed', email })
  expect((await server.delete(path, admin.bearer)).status).toBe(204)
  expect((await server.get(path, admin.bearer)).status).toBe(404)
  expect((await server.get('/v1/admin/users/nonsense', admin.bearer)).status).toBe(400)
})

test.each([
  ['disabling', (id: string) => as(`/users/${id}/disable`)],
  ['deleting', (id: string) => server.delete(`/v1/admin/users/${id}`, admin.bearer)],
  ['ending the sessions of', (id: string) => as(`/users/${id}/sessions/revoke`)],
])('%s a user ends every session on every server within a second', async (_what, act) => {
  const user = await logIn(other)
  const id = await idOf(user)
  expect((await act(id)).status).toBe(204)
  await expect
    .poll(async () => (await other.get('/v1/auth/verify', user.bearer)).status, { timeout: 1_000, interval: 10 })
    .toBe(401)
  expect((await other.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401)
})

test('a disabled user gets in again once enabled, and a new role counts at once', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  await as(`/users/${id}/disable`)
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(401)
  expect((await as(`/users/${id}/enable`)).status).toBe(204)
  const { body } = await server.post('/v1/auth/login', { email: user.email, password })
  const { bearer } = tokensOf(body)
  expect((await server.patch(`/v1/admin/users/${id}`, { role: 'admin' }, admin.bearer)).body).toMatchObject({
    role: 'admin',
  })
  expect((await server.get('/v1/me', bearer)).status).toBe(401)
  const promoted = tokensOf((await server.post('/v1/auth/login', { email: user.email, password })).body)
  expect((await server.get('/v1/admin/users', promoted.bearer)).status).toBe(200)
  await server.patch(`/v1/admin/users/${id}`, { role: 'user' }, admin.bearer)
  expect((await server.get('/v1/admin/users', promoted.bearer)).status).toBe(401)
})

test('unlocking an account lets its owner in from wherever it was locked', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  const attempt = (secret: string, at = server) => at.post('/v1/auth/login', { email: user.email, password: secret })
  for (let failure = 0; failure < 5; failure++) await attempt('wrong horse battery')
  expect((await attempt(password, other)).body).toMatchObject({ code: 'locked' })
  expect((await as(`/users/${id}/unlock`)).status).toBe(204)
  expect((await attempt(password, other)).status).toBe(200)
})

test('the last administrator cannot be deleted, disabled or demoted, not even by two who do it to each other', async () => {
  const alone = await startApp()
  onTestFinished(() => alone.close())
  const one = await logInAsAdmin(alone)
  const oneId = await idOf(one, alone)
  const refused = [
    await as(`/users/${oneId}/disable`, {}, alone, one),
    await alone.delete(`/v1/admin/users/${oneId}`, one.bearer),
    await alone.patch(`/v1/admin/users/${oneId}`, { role: 'user' }, one.bearer),
    await alone.delete('/v1/me', one.bearer, { current_password: password }),
  ]
  for (const answer of refused) expect(answer).toMatchObject({ status: 409, body: { code: 'last_admin' } })
  expect((await alone.get('/v1/admin/users', one.bearer)).status).toBe(200)

  const two = await logInAsAdmin(alone)
  const twoId = await idOf(two, alone)
  const demotions = await Promise.all([
    alone.patch(`/v1/admin/users/${twoId}`, { role: 'user' }, one.bearer),
    alone.patch(`/v1/admin/users/${oneId}`, { role: 'user' }, two.bearer),
  ])
  expect(demotions.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  expect(await users(alone).countDocuments({ role: 'admin', is_active: true })).toBeGreaterThanOrEqual(1)
})

test('what happened can be read, the newest first, by user and by event, without any email', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  await server.post('/v1/auth/login', { email: user.email, password: 'wrong horse battery' })
  await as(`/users/${id}/sessions/revoke`)
  await server.app.securityEventStore.flush()
  const recorded = server.app.mongo.db.collection('security_events')
  await expect.poll(() => recorded.countDocuments({ userId: id, event: 'authz_admin' }), { timeout: 10_000 }).toBe(1)
  const read = async (query: string) => {
    const { status, body } = await server.get(`/v1/admin/events?${query}`, admin.bearer)
    expect(status).toBe(200)
    return {
      events: body['events'] as Record<string, unknown>[],
      next: body['next_cursor'],
      text: JSON.stringify(body),
    }
  }
  const ofUser = await read(`user_id=${id}`)
  const names = ofUser.events.map(({ event }) => event)
  expect(names[0]).toBe('authz_admin')
  expect(names).toEqual(expect.arrayContaining(['user_created', 'authn_login_success']))
  expect(ofUser.text).not.toContain('@')
  const times = ofUser.events.map(({ at }) => Date.parse(String(at)))
  expect(times).toEqual(times.toSorted((a, b) => b - a))

  const first = await read('event=authn_login_success&limit=1')
  const second = await read(`event=authn_login_success&limit=1&cursor=${first.next}`)
  expect(first.events[0]?.['id']).not.toBe(second.events[0]?.['id'])
  const stored = await server.app.mongo.db.collection('security_events').findOne({ userId: id })
  const days = (stored?.['expiresAt'].getTime() - stored?.['at'].getTime()) / 86_400_000
  expect(days).toBe(90)
})

test('events that cannot be written are kept for a while and fail no request', async () => {
  const server = await startApp()
  onTestFinished(() => server.close())
  const events = server.app.mongo.db.collection('security_events')
  // The collection refuses whatever is written to it.
  await server.app.mongo.db.command({ collMod: 'security_events', validator: { never: { $exists: true } } })
  const { email } = await logIn(server)
  expect((await server.post('/v1/auth/login', { email, password: 'wrong horse battery' })).status).toBe(401)
  await server.app.securityEventStore.flush()
  expect(await events.countDocuments()).toBe(0)
  await server.app.mongo.db.command({ collMod: 'security_events', validator: {} })
  await server.app.securityEventStore.flush()
  // Written by the primary alone, and read by the majority.
  await expect.poll(() => events.countDocuments({ event: 'authn_login_fail' }), { timeout: 10_000 }).toBe(1)
})

test('the first administrator is made once: not beside another one, and not again after a change of its email', async () => {
  const fresh = await startApp({ INITIAL_ADMIN_EMAIL: 'root@example.com', INITIAL_ADMIN_PASSWORD: password })
  onTestFinished(() => fresh.close())
  const { db } = fresh.app.mongo
  const outcomes = await Promise.all([ensureInitialAdmin(db, fresh.config), ensureInitialAdmin(db, fresh.config)])
  expect(outcomes).toContain('made')
  expect(await users(fresh).countDocuments()).toBe(1)
  expect((await fresh.post('/v1/auth/login', { email: 'root@example.com', password })).body).toMatchObject({
    user: { role: 'admin' },
  })
  await users(fresh).updateOne({}, { $set: { email: 'boss@example.com' } })
  expect(await ensureInitialAdmin(db, fresh.config)).toBeUndefined()
  expect(await users(fresh).countDocuments()).toBe(1)
})

test('an administrator by command: a new one, or a user who is promoted on demand', async () => {
  const admin = (...given: string[]) => runProgram('admin.ts', given, { DATABASE_NAME: server.config.mongodb.database })
  const made = await admin('create', '--email', 'cli@example.com')
  expect(made.code, made.output).toBe(0)
  const secret = /Password, shown this once: (\S+)/.exec(made.output)?.[1]
  const login = await server.post('/v1/auth/login', { email: 'cli@example.com', password: secret })
  expect(login).toMatchObject({ status: 200, body: { user: { role: 'admin' } } })

  const { email } = await logIn(server)
  expect(await admin('create', '--email', email)).toMatchObject({
    code: 1,
    output: expect.stringContaining('--promote'),
  })
  expect(await admin('create', '--email', email, '--promote')).toMatchObject({ code: 0 })
  expect((await users().findOne({ email }))?.role).toBe('admin')
  expect(await admin('create', '--email', 'nonsense')).toMatchObject({
    code: 1,
    output: expect.stringContaining('no email'),
  })
})

test('an administrator with a password that everybody knows is not made', async () => {
  const weak = makeAdmin(server.app.mongo.db, server.config, {
    email: 'weak@example.com',
    password: 'password1234',
    name: 'Weak',
  })
  await expect(weak).rejects.toThrow('password_common')
})
