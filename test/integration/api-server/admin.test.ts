import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { ensureInitialAdmin, makeAdmin } from '../../../api-server/commands/initial-admin.ts'
import type { UserDocument } from '../../../api-server/plugins/app/users/user.ts'
import { startRedis } from '../../../tools/local-servers/redis.ts'
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

test('only administrators have access, according to the token and to the database', async () => {
  const user = await logIn(server)
  for (const path of ['/users', '/events']) {
    expect(await server.get(`/v1/admin${path}`, user.bearer)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await server.get(`/v1/admin${path}`)).status).toBe(401)
    expect((await server.get(`/v1/admin${path}`, admin.bearer)).status).toBe(200)
  }
  // Another program revokes the role, which the token still contains.
  const former = await logInAsAdmin(server)
  await users().updateOne({ email: former.email }, { $set: { role: 'user' } })
  expect((await server.get('/v1/admin/users', former.bearer)).status).toBe(403)
})

function users(at = server) {
  return at.app.mongo.db.collection<UserDocument>(at.config.mongodb.usersCollection)
}

test('users are listed in pages by email, ignoring case, each of them once', async () => {
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

test('a search by the start of an email reads only the matching users', async () => {
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

test('users are found by part of their name, by role and by state, combined and in pages', async () => {
  const person = (name: string, more: object) => ({
    email: `${new ObjectId()}@found.example`,
    name,
    role: 'user',
    ...more,
  })
  await users().insertMany([
    person('Ada (Lovelace)', {}),
    person('ADA (LOVELACE)', { is_active: false }),
    person('Grace', { is_active: 0 }),
    person('Ada.Root', { role: 'admin' }),
    person('Adam', { role: ['admin'] }),
  ] as unknown as UserDocument[])
  const find = async (query: string) => {
    const { status, body } = await server.get(`/v1/admin/users?limit=200&${query}`, admin.bearer)
    expect(status).toBe(200)
    const found = body['users'] as { name: string; email: string }[]
    return found
      .filter(({ email }) => email.endsWith('@found.example'))
      .map(({ name }) => name)
      .toSorted()
  }
  expect(await find('name=da%20(love')).toEqual(['ADA (LOVELACE)', 'Ada (Lovelace)'])
  expect(await find('name=ada&state=active')).toEqual(['Ada (Lovelace)', 'Ada.Root', 'Adam'])
  expect(await find('state=inactive')).toEqual(['ADA (LOVELACE)', 'Grace'])
  expect(await find('name=a&role=admin')).toEqual(['Ada.Root'])
  expect(await find('name=ada&role=user&state=active')).toEqual(['Ada (Lovelace)', 'Adam'])
  expect(await find('name=.*')).toEqual([])
  for (const query of ['name=', 'name=%00', 'role=root', 'state=maybe', 'email_prefix=%E2%80%8B'])
    expect((await server.get(`/v1/admin/users?${query}`, admin.bearer)).status).toBe(400)
})

test('a search through many users reads some thousands of them per page and finds all', async () => {
  const large = await startApp({ RATE_LIMIT_ADMIN: '100000/s' })
  onTestFinished(() => large.close())
  const root = await logInAsAdmin(large)
  const name = (index: number) => (index % 4_000 === 3_999 ? 'Needle' : 'Hay')
  await users(large).insertMany(
    Array.from({ length: 12_000 }, (_, index) => ({ email: `u${index}@example.com`, name: name(index) })) as never[],
  )
  let pages = 0
  let found = 0
  for (let cursor = ''; ; pages++) {
    const { body } = await large.get(`/v1/admin/users?name=needle${cursor}`, root.bearer)
    found += (body['users'] as unknown[]).length
    if (body['next_cursor'] === null) break
    cursor = `&cursor=${body['next_cursor']}`
  }
  expect(found).toBe(3)
  expect(pages).toBe(3)
})

test('an administrator creates, reads, changes and deletes a user', async () => {
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
  await expect.poll(async () => (await other.get('/v1/auth/verify', user.bearer)).status, { interval: 10 }).toBe(401)
  expect((await other.post('/v1/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401)
})

test('a disabled user can log in after being enabled, and a new role applies immediately', async () => {
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

test('unlocking an account lets its owner log in from every locked address', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  const attempt = (secret: string, at = server) => at.post('/v1/auth/login', { email: user.email, password: secret })
  for (let failure = 0; failure < 5; failure++) await attempt('wrong horse battery')
  expect((await attempt(password, other)).body).toMatchObject({ code: 'locked' })
  expect((await as(`/users/${id}/unlock`)).status).toBe(204)
  expect((await attempt(password, other)).status).toBe(200)
})

test('while Redis is unavailable, an unlock is not reported as done, because other servers still count the failures', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const REDIS_PORT = String(redis.port)
  const alone = await startApp({ REDIS_HOST: redis.host, REDIS_PORT, DATABASE_NAME: freshDatabase() })
  onTestFinished(() => alone.close())
  const one = await logInAsAdmin(alone)
  const unlock = `/users/${await idOf(one, alone)}/unlock`
  expect((await as(unlock, {}, alone, one)).status).toBe(204)
  await redis.stop()
  const refused = await as(unlock, {}, alone, one)
  expect(refused).toMatchObject({ status: 503, body: { code: 'limits_unavailable' } })
  expect(refused.headers['retry-after']).toBe('1')
  await redis.start()
  await expect.poll(async () => (await as(unlock, {}, alone, one)).status).toBe(204)
})

test('the last administrator cannot be deleted, disabled or demoted, not even by two who act on each other', async () => {
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

test('an administrator who becomes the last one while another disables it stays', async () => {
  const alone = await startApp({ RATE_LIMIT_ADMIN: '100000/s' })
  onTestFinished(() => alone.close())
  const [one, heir] = [await logInAsAdmin(alone), await logIn(alone)]
  const [oneId, heirId] = [await idOf(one, alone), await idOf(heir, alone)]
  // While it is being disabled, it becomes an administrator and demotes the other one.
  const find = alone.app.users.findById.bind(alone.app.users)
  let isFirst = true
  using _finding = vi.spyOn(alone.app.users, 'findById').mockImplementation(async (id, session) => {
    const found = await find(id, session)
    if (id !== heirId || !isFirst) return found
    isFirst = false
    expect((await alone.patch(`/v1/admin/users/${heirId}`, { role: 'admin' }, one.bearer)).status).toBe(200)
    const again = tokensOf((await alone.post('/v1/auth/login', { email: heir.email, password })).body)
    expect((await alone.patch(`/v1/admin/users/${oneId}`, { role: 'user' }, again.bearer)).status).toBe(200)
    return found
  })
  const disabled = await as(`/users/${heirId}/disable`, {}, alone, one)
  expect(disabled).toMatchObject({ status: 409, body: { code: 'last_admin' } })
  expect(await users(alone).countDocuments({ role: 'admin', is_active: true })).toBe(1)
})

test('of two administrators who act on each other concurrently, at least one remains', async () => {
  const DATABASE_NAME = freshDatabase()
  const environment = { DATABASE_NAME, RATE_LIMIT_ADMIN: '100000/s', LOGIN_LOCK_AT_FAILURE: '100' }
  const [first, second] = [await startApp(environment), await startApp(environment)]
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  type Act = (at: AppForTest, who: LoggedIn, whom: string) => Promise<{ status: number }>
  const acts: Record<string, Act> = {
    disable: (at, who, whom) => as(`/users/${whom}/disable`, {}, at, who),
    delete: (at, who, whom) => at.delete(`/v1/admin/users/${whom}`, who.bearer),
    demote: (at, who, whom) => at.patch(`/v1/admin/users/${whom}`, { role: 'user' }, who.bearer),
    stepDown: async (at, who) => at.patch(`/v1/admin/users/${await idOf(who, at)}`, { role: 'user' }, who.bearer),
    leave: (at, who) => at.delete('/v1/me', who.bearer, { current_password: password }),
  }
  const pairs = Object.entries(acts)
  for (const [index, [oneAct, one]] of pairs.entries()) {
    for (const [otherAct, another] of pairs.slice(index)) {
      await users(first).deleteMany({})
      const [a, b] = [await logInAsAdmin(first), await logInAsAdmin(second)]
      const [aId, bId] = [await idOf(a, first), await idOf(b, second)]
      const answers = await Promise.all([one(first, a, bId), another(second, b, aId)])
      const left = await users(first).countDocuments({ role: 'admin', is_active: true })
      expect(left, `${oneAct} and ${otherAct}: ${answers.map(({ status }) => status)}`).toBeGreaterThanOrEqual(1)
    }
  }
  // Thirty logins and fifteen races take seconds on an idle machine.
}, 240_000)

test('security events are listed newest first, by user and by event, without emails', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  await server.post('/v1/auth/login', { email: user.email, password: 'wrong horse battery' })
  await as(`/users/${id}/sessions/revoke`)
  await server.app.securityEventStore.flush()
  const recorded = server.app.mongo.db.collection('security_events')
  await expect.poll(() => recorded.countDocuments({ userId: id, event: 'authz_admin' })).toBe(1)
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

test('events that cannot be stored are kept for a while, and no request fails', async () => {
  const server = await startApp()
  onTestFinished(() => server.close())
  const events = server.app.mongo.db.collection('security_events')
  // The collection refuses every write.
  await server.app.mongo.db.command({ collMod: 'security_events', validator: { never: { $exists: true } } })
  const { email } = await logIn(server)
  expect((await server.post('/v1/auth/login', { email, password: 'wrong horse battery' })).status).toBe(401)
  await server.app.securityEventStore.flush()
  expect(await events.countDocuments()).toBe(0)
  await server.app.mongo.db.command({ collMod: 'security_events', validator: {} })
  await server.app.securityEventStore.flush()
  // The primary has written them; the majority reads them.
  await expect.poll(() => events.countDocuments({ event: 'authn_login_fail' })).toBe(1)
})

test('the first administrator is created once: not beside another one, and not again after its email changed', async () => {
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

test('a command creates an administrator, or promotes a user on request', async () => {
  const admin = (...given: string[]) =>
    runProgram('commands/admin.ts', given, { DATABASE_NAME: server.config.mongodb.database })
  const made = await admin('create', '--email', 'cli@example.com')
  expect(made.code, made.output).toBe(0)
  const secret = /Password, shown only once: (\S+)/.exec(made.output)?.[1]
  const login = await server.post('/v1/auth/login', { email: 'cli@example.com', password: secret })
  expect(login).toMatchObject({ status: 200, body: { user: { role: 'admin' } } })

  const { email } = await logIn(server)
  expect(await admin('create', '--email', email)).toMatchObject({
    code: 1,
    output: expect.stringContaining('--promote'),
  })
  expect(await admin('create', '--email', email, '--promote')).toMatchObject({ code: 0 })
  expect((await users().findOne({ email }))?.role).toBe('admin')
  // As another program may have stored the user.
  await users().insertOne({ email: 'boss@localhost', name: 'Boss' } as UserDocument)
  expect(await admin('create', '--email', ' Boss@LOCALHOST ', '--promote')).toMatchObject({ code: 0 })
  expect((await users().findOne({ email: 'boss@localhost' }))?.role).toBe('admin')
  expect(await admin('create', '--email', 'b\u200boss@example.com')).toMatchObject({ code: 1 })
  expect(await admin('create', '--email', 'nonsense')).toMatchObject({
    code: 1,
    output: expect.stringContaining('not the address of one mailbox'),
  })
})

test('an administrator with a common password is not created', async () => {
  const weak = makeAdmin(server.app.mongo.db, server.config, {
    email: 'weak@example.com',
    password: 'password1234',
    name: 'Weak',
  })
  await expect(weak).rejects.toThrow('password_common')
})
