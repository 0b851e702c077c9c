import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { OneTimeToken } from '../../../api-server/plugins/app/one-time-tokens/store.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { type ReceivedMail, startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import {
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
} from './app-for-test.ts'
import { medianDifference } from './time-difference.ts'

const newPassword = 'a new horse battery'
let smtp: TestSmtp
let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest

const withMail = (environment: ServerEnvironment = {}): ServerEnvironment => ({
  SMTP_URL: smtp.url,
  MAIL_FROM: 'Accounts <no-reply@example.com>',
  PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
  EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
  RATE_LIMIT_RESET: '100000/s',
  RATE_LIMIT_MAIL: '100000/s',
  RATE_LIMIT_EMAIL_VERIFY: '100000/s',
  LOGIN_LOCK_AT_FAILURE: '100',
  ...environment,
})

beforeAll(async () => {
  smtp = await startSmtp()
  const DATABASE_NAME = freshDatabase()
  server = await startApp(withMail({ DATABASE_NAME }))
  other = await startApp(withMail({ DATABASE_NAME }))
})
beforeEach(async () => {
  await server.app.mail.idle()
  smtp.mails.length = 0
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await smtp.stop()
})

async function onlyMail(to: string, from = server): Promise<ReceivedMail> {
  await from.app.mail.idle()
  const mails = smtp.mails.filter((mail) => mail.to.includes(to))
  expect(mails, `mails to ${to}`).toHaveLength(1)
  const [mail] = mails
  if (mail === undefined) throw new Error('there is no mail')
  smtp.mails.length = 0
  return mail
}

function tokenOf({ text }: ReceivedMail): string {
  return /#token=([\w-]{43})$/m.exec(text)?.[1] ?? `no token in: ${text}`
}

/** Logs in and removes the first mail. */
async function freshUser(from = server): Promise<LoggedIn & { verifyToken: string }> {
  const user = await logIn(from)
  return { ...user, verifyToken: tokenOf(await onlyMail(user.email, from)) }
}

const tokens = () => server.app.mongo.db.collection<OneTimeToken>('one_time_tokens')
const reset = (token: string, new_password = newPassword) =>
  server.post('/v1/auth/password/reset', { token, new_password })
const confirm = (token: string, at = server) => at.post('/v1/auth/email/verify', { token })

test('a mailed link resets the password once, and ends every session on every server', async () => {
  const { email, bearer, refreshToken } = await freshUser()
  const asked = await server.post('/v1/auth/password/forgot', { email: email.toUpperCase() })
  expect(asked).toMatchObject({ status: 202, body: { status: 'accepted' } })
  const mail = await onlyMail(email)
  expect(mail).toMatchObject({ from: expect.stringContaining('no-reply@example.com'), to: [email] })
  const token = tokenOf(mail)

  expect((await reset(token, 'short')).body).toMatchObject({ code: 'password_too_short' })
  expect((await reset(token)).status).toBe(204)
  expect(await reset(token)).toMatchObject({ status: 400, body: { code: 'one_time_token_invalid' } })

  await expect.poll(async () => (await other.get('/v1/auth/verify', bearer)).status, { interval: 10 }).toBe(401)
  const refreshed = await other.post('/v1/auth/refresh', { refresh_token: refreshToken })
  expect(refreshed).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect((await server.post('/v1/auth/login', { email, password })).status).toBe(401)
  const login = await server.post('/v1/auth/login', { email, password: newPassword })
  expect(login.status).toBe(200)
  // A token issued next is valid, even in the same second.
  const next = { authorization: `Bearer ${login.body['access_token']}` }
  expect(await server.get('/v1/me', next)).toMatchObject({ status: 200, body: { email_verified: true } })
  expect((await onlyMail(email)).subject).toBe('Your password was changed')
})

test('neither a refused password nor other clients behind the same address use up the attempts of a reset link', async () => {
  const limited = await startApp(withMail({ RATE_LIMIT_RESET: '2/h', RATE_LIMIT_REGISTER: '3/h' }))
  onTestFinished(() => limited.close())
  const use = async (token: string, new_password: string) =>
    (await limited.post('/v1/auth/password/reset', { token, new_password })).status
  const people: { email: string; token: string }[] = []
  for (let person = 0; person < 3; person++) {
    const { email } = await logIn(limited)
    await limited.app.mail.idle()
    smtp.mails.length = 0
    expect((await limited.post('/v1/auth/password/forgot', { email })).status).toBe(202)
    people.push({ email, token: tokenOf(await onlyMail(email, limited)) })
  }
  const [first, second, third] = people
  for (let attempt = 0; attempt < 6; attempt++) {
    expect(await use(first?.token ?? '', 'short')).toBe(422)
    expect(await use(first?.token ?? '', first?.email ?? '')).toBe(422)
  }
  const guesses: number[] = []
  for (let guess = 0; guess < 4; guess++) guesses.push(await use('x'.repeat(43), newPassword))
  expect(guesses).toEqual([400, 400, 429, 429])
  for (const person of [first, second, third]) expect(await use(person?.token ?? '', newPassword)).toBe(204)

  const registration = { email: 'short@example.com', name: 'Short', password: 'short' }
  for (let attempt = 0; attempt < 5; attempt++) {
    expect((await limited.post('/v1/auth/register', registration)).status).toBe(422)
  }
})

test('concurrent uses of one token set one password', async () => {
  const { email } = await freshUser()
  await server.post('/v1/auth/password/forgot', { email })
  const token = tokenOf(await onlyMail(email))
  const passwords = Array.from({ length: 6 }, (_, index) => `${newPassword} ${index}`)
  const answers = await Promise.all(passwords.map((each) => reset(token, each)))
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
  const winner = passwords[answers.findIndex(({ status }) => status === 204)]
  expect((await server.post('/v1/auth/login', { email, password: winner })).status).toBe(200)
})

test('after one of several links was used, the others are invalid', async () => {
  const { email } = await freshUser()
  await server.post('/v1/auth/password/forgot', { email })
  const first = tokenOf(await onlyMail(email))
  await server.post('/v1/auth/password/forgot', { email })
  const second = tokenOf(await onlyMail(email))
  expect((await reset(second)).status).toBe(204)
  expect((await reset(first)).status).toBe(400)
})

test('an expired token, or one for another purpose, is refused', async () => {
  const { email, verifyToken } = await freshUser()
  expect((await reset(verifyToken)).status).toBe(400)
  await server.post('/v1/auth/password/forgot', { email })
  const token = tokenOf(await onlyMail(email))
  expect((await confirm(token)).status).toBe(400)
  await tokens().updateMany({ email }, { $set: { expiresAt: new Date(Date.now() - 1) } })
  expect(await reset(token)).toMatchObject({ status: 400, body: { code: 'one_time_token_invalid' } })
  expect((await reset('x'.repeat(43))).status).toBe(400)
})

test('the database has only the hash of a token', async () => {
  const { email, verifyToken } = await freshUser()
  await server.post('/v1/auth/password/forgot', { email })
  const resetToken = tokenOf(await onlyMail(email))
  const stored = JSON.stringify(await tokens().find({ email }).toArray())
  expect(stored.length).toBeGreaterThan(100)
  for (const token of [verifyToken, resetToken]) expect(stored).not.toContain(token)
})

test('neither answer nor latency reveals whether an email is registered', async () => {
  const { email } = await freshUser()
  const ask = (path: string, whose: string) => server.post(path, { email: whose })
  for (const path of ['/v1/auth/password/forgot', '/v1/auth/email/resend']) {
    const [known, unknown] = [await ask(path, email), await ask(path, 'nobody@example.com')]
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body])
    // Work after an answer must not affect the latency of the next one.
    const timed = async (whose: string) => {
      await server.app.mail.idle()
      return () => ask(path, whose)
    }
    const { difference, typical } = await medianDifference(
      40,
      () => timed(email),
      () => timed('nobody@example.com'),
    )
    expect(difference, `of ${typical} ms`).toBeLessThan(Math.max(2, typical * 0.5))
  }
  await server.app.mail.idle()
  expect(smtp.mails.filter(({ to }) => to.includes('nobody@example.com'))).toEqual([])
})

test('an account gets a limited number of mails, and further requests get the same answer', async () => {
  const strict = await startApp(withMail({ RATE_LIMIT_MAIL: '2/h' }))
  onTestFinished(() => strict.close())
  const { email } = await freshUser(strict)
  for (let ask = 0; ask < 5; ask++) {
    expect((await strict.post('/v1/auth/password/forgot', { email })).status).toBe(202)
  }
  await strict.app.mail.idle()
  expect(smtp.mails.filter(({ to }) => to.includes(email))).toHaveLength(2)
})

test('nothing is mailed to a domain that never exists, such as that of smoke tests', async () => {
  await logIn(server, 'smoke-test-1@smoke-test.invalid')
  await freshUser()
  expect(smtp.mails).toEqual([])
})

test('changing the password needs the current one and ends every session', async () => {
  const { email, bearer } = await freshUser()
  const change = (current_password: string, new_password: string) =>
    server.post('/v1/auth/password/change', { current_password, new_password }, bearer)
  expect(await change('wrong horse battery', newPassword)).toMatchObject({
    status: 403,
    body: { code: 'password_wrong' },
  })
  expect((await change(password, 'password1234')).body).toMatchObject({ code: 'password_common' })
  expect((await change(password, newPassword)).status).toBe(204)
  expect((await server.get('/v1/me', bearer)).status).toBe(401)
  expect((await server.post('/v1/auth/login', { email, password: newPassword })).status).toBe(200)
  expect((await onlyMail(email)).subject).toBe('Your password was changed')
})

test('a login with the old password during the change gives no lasting session', async () => {
  const { email, bearer } = await freshUser()
  const [change, ...logins] = await Promise.all([
    server.post('/v1/auth/password/change', { current_password: password, new_password: newPassword }, bearer),
    ...Array.from({ length: 6 }, () => other.post('/v1/auth/login', { email, password })),
  ])
  expect(change.status).toBe(204)
  for (const { status, body } of logins) {
    if (status !== 200) continue
    const refreshed = await server.post('/v1/auth/refresh', { refresh_token: body['refresh_token'] })
    expect(refreshed.status).toBe(401)
  }
})

test('the link of the first or of a later mail confirms an email', async () => {
  const { email, bearer, verifyToken } = await freshUser()
  expect((await server.get('/v1/me', bearer)).body).toMatchObject({ email_verified: false })
  expect((await server.post('/v1/auth/email/resend', { email })).status).toBe(202)
  const another = tokenOf(await onlyMail(email))
  expect((await confirm(another)).status).toBe(204)
  expect((await server.get('/v1/me', bearer)).body).toMatchObject({ email_verified: true })
  expect((await confirm(verifyToken)).status).toBe(400)
  await server.post('/v1/auth/email/resend', { email })
  await server.app.mail.idle()
  expect(smtp.mails).toEqual([])
})

test('a change of the email needs the password, takes effect with its link, and ends links to the old email', async () => {
  const { email, bearer, verifyToken } = await freshUser()
  const newEmail = `new-${email}`
  const patch = (json: unknown) => server.patch('/v1/me', json, bearer)
  expect((await patch({ email: newEmail })).body).toMatchObject({ code: 'password_wrong' })
  const asked = await patch({ email: newEmail, current_password: password })
  expect(asked).toMatchObject({ status: 200, body: { email, pending_email: newEmail } })
  const token = tokenOf(await onlyMail(newEmail))
  await server.post('/v1/auth/password/forgot', { email })
  const oldReset = tokenOf(await onlyMail(email))

  expect((await confirm(token, other)).status).toBe(204)
  expect((await server.post('/v1/auth/login', { email, password })).status).toBe(401)
  const login = await server.post('/v1/auth/login', { email: newEmail, password })
  expect(login).toMatchObject({ status: 200, body: { user: { email: newEmail } } })
  expect((await onlyMail(email, other)).subject).toBe('The email of your account was changed')
  for (const old of [oldReset, verifyToken]) expect((await reset(old)).status).toBe(400)
  const document = await server.app.mongo.db.collection('users').findOne({ email: newEmail })
  const fields = [
    '_id',
    'created_at',
    'email',
    'is_active',
    'last_login',
    'name',
    'password_hash',
    'role',
    'updated_at',
  ]
  expect(Object.keys(document ?? {}).sort()).toEqual(fields)
})

test('an administrator who changes an email ends the links to the old one, and the sessions', async () => {
  const { bearer: admin } = await logInAsAdmin(server)
  const { email, bearer, verifyToken } = await freshUser()
  await server.post('/v1/auth/password/forgot', { email })
  const resetToken = tokenOf(await onlyMail(email))
  const { body: user } = await server.get('/v1/me', bearer)
  const newEmail = `new-${email}`
  const changed = await server.patch(`/v1/admin/users/${user['id']}`, { email: newEmail }, admin)
  expect(changed).toMatchObject({ status: 200, body: { email: newEmail } })

  expect((await reset(resetToken)).body).toMatchObject({ code: 'one_time_token_invalid' })
  expect((await confirm(verifyToken)).body).toMatchObject({ code: 'one_time_token_invalid' })
  expect((await server.get('/v1/auth/verify', bearer)).status).toBe(401)
  const login = await server.post('/v1/auth/login', { email: newEmail, password })
  const own = { authorization: `Bearer ${login.body['access_token']}` }
  expect((await server.get('/v1/me', own)).body).toMatchObject({ email: newEmail, email_verified: false })
})

test('an email that another user has registered in the meantime stays theirs', async () => {
  const { bearer } = await freshUser()
  const wanted = `${randomBytes(6).toString('hex')}@example.com`
  await server.patch('/v1/me', { email: wanted, current_password: password }, bearer)
  const token = tokenOf(await onlyMail(wanted))
  await server.post('/v1/auth/register', { email: wanted.toUpperCase(), password, name: 'Faster' })
  expect(await confirm(token)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  expect((await server.get('/v1/me', bearer)).status).toBe(200)
})

test('hidden registration tells only the owner that the email is taken', async () => {
  const hidden = await startApp(withMail({ REGISTRATION_DISCLOSURE: 'hidden' }))
  onTestFinished(() => hidden.close())
  const register = () => hidden.post('/v1/auth/register', { email: 'hidden@example.com', password, name: 'Hidden' })
  const first = await register()
  const mail = await onlyMail('hidden@example.com', hidden)
  expect(mail.subject).toBe('Confirm your email')
  expect((await confirm(tokenOf(mail), hidden)).status).toBe(204)
  const second = await register()
  expect([second.status, second.body]).toEqual([first.status, first.body])
  expect((await onlyMail('hidden@example.com', hidden)).subject).toBe('You already have an account')
})

test('a mail that the SMTP server defers is sent again; one that it rejects is counted and not sent again', async () => {
  const { email } = await freshUser()
  smtp.refuse(1, 451)
  await server.post('/v1/auth/password/forgot', { email })
  await expect.poll(() => smtp.mails.length).toBe(1)
  smtp.mails.length = 0

  smtp.refuse(1, 550)
  await server.post('/v1/auth/password/forgot', { email })
  await server.app.mail.idle()
  expect(smtp.mails).toEqual([])
  const metrics = await server.app.metrics.registry.metrics()
  expect(metrics).toMatch(/auth_mails_total\{kind="reset_password",outcome="failed"\} 1/)
})

test('without an SMTP server the log contains the link in development, and production reports that it sends no mail', async () => {
  const development = await startApp()
  onTestFinished(() => development.close())
  const log = vi.spyOn(development.app.log, 'info')
  const { email } = await logIn(development)
  expect((await development.post('/v1/auth/password/forgot', { email })).status).toBe(202)
  await development.app.mail.idle()
  const lines = JSON.stringify(log.mock.calls)
  const link = /\/reset-password#token=([\w-]{43})/.exec(lines)
  expect(link, lines).not.toBeNull()
  const answer = await development.post('/v1/auth/password/reset', { token: link?.[1], new_password: newPassword })
  expect(answer.status).toBe(204)

  const production = await startApp({ ENVIRONMENT: 'production', DOCS_ENABLED: 'true' })
  onTestFinished(() => production.close())
  const { bearer } = await logIn(production)
  for (const path of ['/v1/auth/password/forgot', '/v1/auth/email/resend']) {
    expect(await production.post(path, { email })).toMatchObject({ status: 501, body: { code: 'mail_not_configured' } })
  }
  const change = await production.patch('/v1/me', { email: 'x@example.com', current_password: password }, bearer)
  expect(change).toMatchObject({ status: 501, body: { code: 'mail_not_configured' } })
})
