import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'

let server: AppForTest
let other: AppForTest

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  server = await startApp({ DATABASE_NAME })
  other = await startApp({ DATABASE_NAME })
})
afterAll(() => Promise.all([server.close(), other.close()]))

test('users read and change their own profile', async () => {
  const { bearer, email } = await logIn(server)
  const changed = await server.patch('/v1/me', { name: 'Another Name' }, bearer)
  expect(changed).toMatchObject({ status: 200, body: { name: 'Another Name', email, pending_email: null } })
  expect((await other.get('/v1/me', bearer)).body).toMatchObject({ name: 'Another Name', email_verified: false })
  for (const nothing of [{}, { role: 'admin' }, { is_active: true }]) {
    expect((await server.patch('/v1/me', nothing, bearer)).status).toBe(400)
  }
})

test("repeated actions on a user's own account leave few events, and no other request is refused for it", async () => {
  const { bearer, email } = await logIn(server)
  const { sub: userId } = await server.app.tokens.verifyAccessToken(bearer.authorization.slice('Bearer '.length))
  const rename = async (name: string) => (await server.patch('/v1/me', { name }, bearer)).status
  for (let time = 0; time < 5; time++) {
    expect((await server.delete('/v1/me/pending-email', bearer)).status).toBe(204)
    expect(await rename('The Same')).toBe(200)
  }
  const events = server.app.mongo.db.collection('security_events', { readConcern: { level: 'local' } })
  const updates = async () => {
    await server.app.securityEventStore.flush()
    return events.countDocuments({ event: 'user_updated', userId })
  }
  expect(await updates()).toBe(1)
  const statuses: number[] = []
  for (let time = 0; time < 25; time++) statuses.push(await rename(`Name ${time}`))
  expect(statuses.slice(0, 19).every((status) => status === 200)).toBe(true)
  expect(statuses.at(-1)).toBe(429)
  expect(await updates()).toBeLessThanOrEqual(21)
  expect((await server.get('/v1/me', bearer)).body).toMatchObject({ email })
})

test('users list their sessions and end those that they do not recognize', async () => {
  const phone = await logIn(server)
  const laptop = await logIn(other, phone.email)
  const stranger = await logIn(server)
  const list = await server.get('/v1/me/sessions', phone.bearer)
  const sessions = list.body['sessions'] as { id: string; current: boolean; device: string; address: string }[]
  expect(sessions).toHaveLength(2)
  expect(sessions.filter(({ current }) => current)).toHaveLength(1)
  expect(sessions[0]).toMatchObject({
    device: 'lightMyRequest',
    address: '127.0.0.1',
    created_at: expect.stringMatching(/^20\d\d-/),
    last_used_at: expect.stringMatching(/^20\d\d-/),
  })

  const lost = sessions.find(({ current }) => !current)
  const path = `/v1/me/sessions/${lost?.id}`
  expect((await server.delete(path, stranger.bearer)).status).toBe(404)
  expect((await other.get('/v1/auth/verify', laptop.bearer)).status).toBe(200)
  expect((await server.delete(path, phone.bearer)).status).toBe(204)
  await expect.poll(async () => (await other.get('/v1/auth/verify', laptop.bearer)).status, { interval: 10 }).toBe(401)
  expect((await server.get('/v1/me/sessions', phone.bearer)).body['sessions']).toHaveLength(1)
})

test('sessions that were ended together are not listed', async () => {
  const first = await logIn(server)
  await server.post('/v1/auth/logout-all', {}, first.bearer)
  const again = await logIn(server, first.email)
  expect((await server.get('/v1/me/sessions', again.bearer)).body['sessions']).toHaveLength(1)
})

test('users delete their account with their password, and only security events remain', async () => {
  const { bearer, email, refreshToken } = await logIn(server)
  const id = (await server.get('/v1/me', bearer)).body['id']
  const wrong = await server.delete('/v1/me', bearer, { current_password: 'wrong horse battery' })
  expect(wrong).toMatchObject({ status: 403, body: { code: 'password_wrong' } })
  expect((await server.delete('/v1/me', bearer, { current_password: password })).status).toBe(204)
  await expect.poll(async () => (await other.get('/v1/auth/verify', bearer)).status, { interval: 10 }).toBe(401)
  expect((await other.post('/v1/auth/refresh', { refresh_token: refreshToken })).status).toBe(401)
  expect((await server.post('/v1/auth/login', { email, password })).status).toBe(401)
  await server.app.mail.idle()
  for (const collection of ['users', 'one_time_tokens', 'known_devices', 'verified_emails']) {
    const left = async () => JSON.stringify(await server.app.mongo.db.collection(collection).find({}).toArray())
    await expect.poll(left, { message: collection }).not.toContain(String(id))
  }
  // The email can be registered again.
  expect((await server.post('/v1/auth/register', { email, password, name: 'Again' })).status).toBe(201)
})
