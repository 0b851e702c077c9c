import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { apiClient } from '../../../api-server/smoke-test/client.ts'
import { runSmokeTest } from '../../../api-server/smoke-test/steps.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, password, startApp } from './app-for-test.ts'

/** With hidden registration nothing reveals whether an email is registered. */
let smtp: TestSmtp
let server: AppForTest

beforeAll(async () => {
  smtp = await startSmtp()
  server = await startApp({
    REGISTRATION_DISCLOSURE: 'hidden',
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    RATE_LIMIT_RESET: '100000/s',
    RATE_LIMIT_MAIL: '100000/s',
    RATE_LIMIT_EMAIL_VERIFY: '100000/s',
    LOGIN_LOCK_AT_FAILURE: '100',
  })
})
beforeEach(async () => {
  await server.app.mail.idle()
  smtp.mails.length = 0
})
afterAll(async () => {
  await server.close()
  await smtp.stop()
})

const freshEmail = () => `${randomBytes(6).toString('hex')}@example.com`
const register = (email: string, secret = password, at = server) =>
  at.post('/v1/auth/register', { email, password: secret, name: 'Hidden' })
const login = (email: string, secret = password) => server.post('/v1/auth/login', { email, password: secret })
const confirm = (token: string) => server.post('/v1/auth/email/verify', { token })

/** The tokens of the mails to this address, oldest first. */
async function tokensTo(email: string): Promise<string[]> {
  await server.app.mail.idle()
  const mails = smtp.mails.filter(({ to }) => to.includes(email))
  return mails.flatMap(({ text }) => /#token=([\w-]{43})$/m.exec(text)?.[1] ?? [])
}

async function registered(): Promise<string> {
  const email = freshEmail()
  await register(email)
  const [token = 'no mail'] = await tokensTo(email)
  expect((await confirm(token)).status).toBe(204)
  return email
}

test('the account works once the mailed link was opened, and not before', async () => {
  const email = freshEmail()
  expect(await register(email)).toMatchObject({ status: 202, body: { status: 'accepted' } })
  expect(await login(email)).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
  expect(await server.app.users.findByEmail(parseEmail(email))).toBeNull()
  const [token = 'no mail'] = await tokensTo(email)
  expect((await confirm(token)).status).toBe(204)
  const { status, body } = await login(email)
  expect(status).toBe(200)
  const bearer = { authorization: `Bearer ${body['access_token']}` }
  expect((await server.get('/v1/me', bearer)).body).toMatchObject({ email, name: 'Hidden', email_verified: true })
  expect(await confirm(token)).toMatchObject({ status: 400, body: { code: 'one_time_token_invalid' } })
})

test('neither registering nor a later login reveals whether an email is registered: not by status, body, headers or work', async () => {
  const taken = await registered()
  const probe = async (email: string) => {
    const answers = [await register(email, 'a guess of the caller'), await login(email, 'a guess of the caller')]
    return answers.map(({ status, body, headers }) => {
      const { date, 'x-request-id': _id, 'ratelimit-reset': _reset, ...others } = headers
      return { status, body: { ...body, request_id: undefined }, names: Object.keys(others).sort() }
    })
  }
  expect(await probe(taken)).toEqual(await probe(freshEmail()))

  // The same work precedes both answers: one hash and one query for the email.
  const work = async (email: string) => {
    await server.app.mail.idle()
    using hash = vi.spyOn(server.app.passwords, 'hash')
    using find = vi.spyOn(server.app.users, 'findByEmail')
    using transaction = vi.spyOn(server.app.mongo, 'transaction')
    await register(email)
    return [hash, find, transaction].map(({ mock }) => mock.calls.length)
  }
  expect([await work(taken), await work(freshEmail())]).toEqual([
    [1, 1, 0],
    [1, 1, 0],
  ])
})

test('of several registrations of one email only the link that is opened first creates the account', async () => {
  const email = freshEmail()
  await register(email, 'what the owner chose')
  await server.app.mail.idle()
  await register(email.toUpperCase(), 'what somebody else chose')
  await server.app.mail.idle()
  const links = smtp.mails.flatMap(({ text }) => /#token=([\w-]{43})$/m.exec(text)?.[1] ?? [])
  expect(links).toHaveLength(2)
  const [own = '', foreign = ''] = links
  expect((await confirm(own)).status).toBe(204)
  expect((await confirm(foreign)).status).toBe(400)
  expect([
    (await login(email, 'what somebody else chose')).status,
    (await login(email, 'what the owner chose')).status,
  ]).toEqual([401, 200])
})

test('a link to an email that was registered in the meantime says so to the person who opens it', async () => {
  const email = freshEmail()
  await register(email)
  const [token = 'no mail'] = await tokensTo(email)
  await server.app.users.register({ email: parseEmail(email), name: 'Faster', passwordHash: 'none' })
  expect(await confirm(token)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
})

test('a server without mail refuses, because the account could not be used', async () => {
  const silent = await startApp({ ENVIRONMENT: 'production', REGISTRATION_DISCLOSURE: 'hidden', DOCS_ENABLED: 'true' })
  onTestFinished(() => silent.close())
  const answer = await register(freshEmail(), password, silent)
  expect(answer).toMatchObject({ status: 501, body: { code: 'mail_not_configured' } })
})

test('the smoke test of a rollout passes, and leaves no user', async () => {
  const call = apiClient(await server.app.listen({ host: '127.0.0.1', port: 0 }))
  const steps: string[] = []
  await runSmokeTest({ live: call, preview: call }, (step) => steps.push(step))
  expect(steps).toEqual(['reach both colours', 'register'])
  expect(await server.app.mongo.db.collection('users').countDocuments({ email: /smoke-test/ })).toBe(0)
})
