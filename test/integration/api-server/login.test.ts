import bcrypt from 'bcrypt'
import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'

let server: AppForTest

beforeAll(async () => {
  // The tests look at the cost of stored hashes.
  server = await startApp({ BCRYPT_COST: '10' })
})

afterAll(() => server.close())

function users() {
  return server.app.mongo.db.collection(server.config.mongodb.usersCollection)
}

test('a registered user is stored as exactly the document that other programs know', async () => {
  const answer = await server.post('/v1/auth/register', { email: 'New@Example.com', password, name: 'New User' })
  expect(answer.status).toBe(201)
  expect(answer.body).toMatchObject({ email: 'new@example.com', name: 'New User', role: 'user' })

  const document = await users().findOne({ email: 'new@example.com' })
  expect(document).toEqual({
    _id: expect.any(ObjectId),
    email: 'new@example.com',
    password_hash: expect.stringMatching(/^\$2b\$10\$[./A-Za-z0-9]{53}$/),
    name: 'New User',
    role: 'user',
    is_active: true,
    created_at: expect.any(Date),
    updated_at: expect.any(Date),
    last_login: expect.any(Date),
  })
})

test('white space around an email is ignored', async () => {
  const registered = await server.post('/v1/auth/register', { email: ' space@example.com\n', password, name: 'S' })
  expect(registered).toMatchObject({ status: 201, body: { email: 'space@example.com' } })
  expect((await server.post('/v1/auth/login', { email: '\tspace@example.com ', password })).status).toBe(200)
  expect((await server.post('/v1/auth/password/forgot', { email: 'space@example.com ' })).status).toBe(202)
})

test.each([
  '<victim@example.com',
  '<<victim@example.com',
  'victim@example.com>',
  '"victim"@example.com',
  'vic\u00adtim@example.com',
])('registering %s is refused, because its mails would go to another person', async (email) => {
  const answer = await server.post('/v1/auth/register', { email, password, name: 'V' })
  expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ pointer: '/email' }] } })
  expect((await server.post('/v1/auth/login', { email, password })).status).not.toBe(200)
})

test('a domain has one owner of each mailbox, in Punycode and in Unicode', async () => {
  const { email } = await logIn(server, 'user@b\u00fccher.example')
  const punycode = 'User@xn--bcher-kva.example'
  const again = await server.post('/v1/auth/register', { email: punycode, password, name: 'Other' })
  expect(again).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  expect((await server.post('/v1/auth/login', { email: punycode, password })).body).toMatchObject({ user: { email } })

  // As another program has stored it.
  await users().insertOne({ email: 'old@xn--bcher-kva.example', password_hash: await bcrypt.hash(password, 10) })
  const old = 'old@b\u00fccher.example'
  expect((await server.post('/v1/auth/login', { email: old, password })).status).toBe(200)
  const taken = await server.post('/v1/auth/register', { email: old, password, name: 'Other' })
  expect(taken).toMatchObject({ status: 409, body: { code: 'email_taken' } })
})

test('an email is taken regardless of case, and a login finds it regardless of case', async () => {
  const { email } = await logIn(server, 'case@example.com')
  const again = await server.post('/v1/auth/register', { email: 'CASE@example.com', password, name: 'Other' })
  expect(again).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  const login = await server.post('/v1/auth/login', { email: email.toUpperCase(), password })
  expect(login.status).toBe(200)
})

test('a user document of another program logs in, its old hash is replaced, and its other fields stay', async () => {
  const hash = (await bcrypt.hash(password, 10)).replace('$2b$', '$2a$')
  const longAgo = new Date('2020-01-01')
  const document = { email: 'old@example.com', password_hash: hash, name: 'Old', role: 'admin', is_active: true }
  await users().insertOne({ ...document, created_at: longAgo, updated_at: longAgo, last_login: longAgo, extra: 1 })
  const { status, body } = await server.post('/v1/auth/login', { email: 'old@example.com', password })
  expect(status).toBe(200)
  expect(body['user']).toMatchObject({ role: 'admin', created_at: longAgo.toISOString() })

  const stored = await users().findOne({ email: 'old@example.com' })
  expect(stored).toMatchObject({ name: 'Old', role: 'admin', extra: 1, created_at: longAgo })
  expect(stored?.['password_hash']).toMatch(/^\$2b\$10\$/)
  expect(stored?.['last_login'].getTime()).toBeGreaterThan(longAgo.getTime())
  expect((await server.post('/v1/auth/login', { email: 'old@example.com', password })).status).toBe(200)
})

test('a wrong password, an unknown email and a disabled user get the same answer', async () => {
  const { email } = await logIn(server)
  await logIn(server, 'disabled@example.com')
  await users().updateOne({ email: 'disabled@example.com' }, { $set: { is_active: false } })
  const answers = await Promise.all([
    server.post('/v1/auth/login', { email, password: 'wrong horse battery' }),
    server.post('/v1/auth/login', { email: 'nobody@example.com', password }),
    server.post('/v1/auth/login', { email: 'disabled@example.com', password }),
  ])
  for (const { status, body, headers } of answers) {
    expect(status).toBe(401)
    expect({ ...body, request_id: '' }).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'The email or the password is wrong.',
      code: 'invalid_credentials',
      request_id: '',
    })
    expect(headers).toMatchObject({
      'www-authenticate': expect.stringContaining('Bearer'),
      'cache-control': 'no-store',
    })
  }
})

describe('passwords', () => {
  test.each([
    ['short', 'password_too_short'],
    ['x'.repeat(73), 'password_too_long'],
    [`${'ü'.repeat(36)}x`, 'password_too_long'],
    ['passwordpassword', 'password_common'],
  ])('%s is refused: %s', async (bad, code) => {
    const answer = await server.post('/v1/auth/register', { email: 'p@example.com', password: bad, name: 'P' })
    expect(answer).toMatchObject({ status: 422, body: { code } })
  })

  test('another Unicode normalization of the password logs in', async () => {
    const composed = 'caf\u00e9 au lait, merci'
    await server.post('/v1/auth/register', { email: 'nfc@example.com', password: composed, name: 'N' })
    const login = await server.post('/v1/auth/login', { email: 'nfc@example.com', password: composed.normalize('NFD') })
    expect(login.status).toBe(200)
  })
})

test('hidden registration does not reveal who is registered', async () => {
  const hidden = await startApp({ REGISTRATION_DISCLOSURE: 'hidden' })
  try {
    const first = await hidden.post('/v1/auth/register', { email: 'h@example.com', password, name: 'H' })
    const second = await hidden.post('/v1/auth/register', { email: 'h@example.com', password, name: 'H' })
    expect([first.status, second.status]).toEqual([202, 202])
    expect(second.body).toEqual(first.body)
  } finally {
    await hidden.close()
  }
})
