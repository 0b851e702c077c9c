import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, type LoggedIn, logIn, logInAsAdmin, password, startApp } from './app-for-test.ts'

/** Administrators set or reset passwords of users. */
const newPassword = 'a new horse battery'
let smtp: TestSmtp
let server: AppForTest
let admin: LoggedIn

beforeAll(async () => {
  smtp = await startSmtp()
  server = await startApp({
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
  })
  admin = await logInAsAdmin(server)
})
afterAll(async () => {
  await server.close()
  await smtp.stop()
})

const idOf = async ({ accessToken }: LoggedIn) => (await server.app.tokens.verifyAccessToken(accessToken)).sub
const put = async (id: string, wanted: string, { bearer } = admin) => {
  const { statusCode, body } = await server.app.inject({
    method: 'PUT',
    url: `/v1/admin/users/${id}/password`,
    headers: bearer,
    payload: { new_password: wanted },
  })
  return { status: statusCode, code: body === '' ? undefined : JSON.parse(body).code }
}
const login = async (email: string, secret: string) =>
  (await server.post('/v1/auth/login', { email, password: secret })).status

async function lastMailTo(email: string): Promise<{ subject: string; text: string }> {
  await server.app.mail.idle()
  return smtp.mails.findLast(({ to }) => to.includes(email)) ?? { subject: 'none', text: '' }
}

test('an administrator sets a password: the sessions of the user end, and the user gets a mail', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  expect(await put(id, newPassword)).toEqual({ status: 204, code: undefined })
  expect((await server.get('/v1/auth/verify', user.bearer)).status).toBe(401)
  expect([await login(user.email, password), await login(user.email, newPassword)]).toEqual([401, 200])
  expect((await lastMailTo(user.email)).subject).toBe('Your password was changed')
  await server.app.securityEventStore.flush()
  const adminId = await idOf(admin)
  const event = { userId: id, event: 'authn_password_change', reason: `by ${adminId}` }
  const events = server.app.mongo.db.collection('security_events')
  await expect.poll(() => events.countDocuments(event)).toBe(1)
})

test('an administrator cannot set a password that the user could not choose', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  for (const [wanted, code] of [
    ['short', 'password_too_short'],
    ['password1234', 'password_common'],
    [user.email, 'password_common'],
  ] as const) {
    expect(await put(id, wanted)).toEqual({ status: 422, code })
  }
  expect((await put('0'.repeat(24), newPassword)).status).toBe(404)
  expect(await put(id, newPassword, user)).toEqual({ status: 403, code: 'forbidden' })
  expect(await login(user.email, password)).toBe(200)
})

test('an administrator resets a password: it becomes invalid, and a mailed link sets another one', async () => {
  const user = await logIn(server)
  const id = await idOf(user)
  expect((await server.post(`/v1/admin/users/${id}/password/reset`, {}, admin.bearer)).status).toBe(204)
  expect((await server.get('/v1/auth/verify', user.bearer)).status).toBe(401)
  expect(await login(user.email, password)).toBe(401)
  const mail = await lastMailTo(user.email)
  expect(mail.subject).toBe('Your password was reset')
  const token = /#token=([\w-]{43})$/m.exec(mail.text)?.[1]
  const reset = await server.post('/v1/auth/password/reset', { token, new_password: newPassword })
  expect(reset.status).toBe(204)
  expect(await login(user.email, newPassword)).toBe(200)
})

test('without mail no password is reset, because the user could not choose another one', async () => {
  const production = await startApp({ ENVIRONMENT: 'production', DOCS_ENABLED: 'true' })
  onTestFinished(() => production.close())
  const email = `${randomBytes(6).toString('hex')}@example.com`
  const [root, user] = [await logInAsAdmin(production), await logIn(production, email)]
  const { sub } = await production.app.tokens.verifyAccessToken(user.accessToken)
  const answer = await production.post(`/v1/admin/users/${sub}/password/reset`, {}, root.bearer)
  expect(answer).toMatchObject({ status: 501, body: { code: 'mail_not_configured' } })
  expect((await production.post('/v1/auth/login', { email, password })).status).toBe(200)
})
