import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { requestEmailChange } from '../../../api-server/plugins/app/accounts/email-change.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
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

/** Everything that gives access later or changes an account later, and every event that ends it. */
const newPassword = 'a new horse battery'
let smtp: TestSmtp
let server: AppForTest
/** Another server of the same deployment. */
let other: AppForTest
let admin: LoggedIn

beforeAll(async () => {
  smtp = await startSmtp()
  const environment = {
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    RATE_LIMIT_RESET: '100000/s',
    RATE_LIMIT_MAIL: '100000/s',
    RATE_LIMIT_EMAIL_VERIFY: '100000/s',
    RATE_LIMIT_ADMIN: '100000/s',
    LOGIN_LOCK_AT_FAILURE: '100',
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  admin = await logInAsAdmin(server)
})
beforeEach(async () => {
  await Promise.all([server.app.mail.idle(), other.app.mail.idle()])
  smtp.mails.length = 0
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await smtp.stop()
})

const subjects = {
  verify: 'Confirm your email',
  reset: 'Choose a new password',
  change: 'Confirm your new email',
  changeRequested: 'A change of your email was requested',
} as const

async function mailOf(to: string, subject: string): Promise<string> {
  await server.app.mail.idle()
  const mail = smtp.mails.findLast((each) => each.to.includes(to) && each.subject === subject)
  return mail?.text ?? `no mail to ${to} with the subject ${subject}`
}

async function tokenOf(to: string, subject: string): Promise<string> {
  const text = await mailOf(to, subject)
  return /#token=([\w-]{43})$/m.exec(text)?.[1] ?? text
}

const reset = (token: string, at = server) =>
  at.post('/v1/auth/password/reset', { token, new_password: `${newPassword} ${randomBytes(4).toString('hex')}` })
const confirm = (token: string, at = server) => at.post('/v1/auth/email/verify', { token })

function deviceCookieOf(headers: Record<string, unknown>): string | undefined {
  const cookies = [headers['set-cookie'] ?? []].flat().map(String)
  return cookies.find((cookie) => cookie.startsWith('__Host-device='))?.split(';')[0]
}

/** A user with everything that gives access later. */
interface Holder {
  id: string
  email: string
  newEmail: string
  /** Verified before on both servers, which have cached it. */
  bearer: LoggedIn['bearer']
  currentRefreshToken: string
  /** Used a moment ago: within its grace. */
  spentRefreshToken: string
  resetToken: string
  verifyToken: string
  changeToken: string
  device: string
}

async function holder(): Promise<Holder> {
  const email = `${randomBytes(6).toString('hex')}@example.com`
  const newEmail = `new-${email}`
  await server.post('/v1/auth/register', { email, password, name: 'Holder' })
  const login = await server.post('/v1/auth/login', { email, password })
  const { refreshToken: spentRefreshToken } = tokensOf(login.body)
  const refreshed = await server.post('/v1/auth/refresh', { refresh_token: spentRefreshToken })
  const { bearer, refreshToken: currentRefreshToken } = tokensOf(refreshed.body)
  for (const at of [server, other]) expect((await at.get('/v1/auth/verify', bearer)).status).toBe(200)
  const verifyToken = await tokenOf(email, subjects.verify)
  await server.post('/v1/auth/password/forgot', { email })
  const resetToken = await tokenOf(email, subjects.reset)
  const asked = await server.patch('/v1/me', { email: newEmail, current_password: password }, bearer)
  expect(asked).toMatchObject({ status: 200, body: { pending_email: newEmail } })
  const changeToken = await tokenOf(newEmail, subjects.change)
  return {
    id: String((await server.get('/v1/me', bearer)).body['id']),
    email,
    newEmail,
    bearer,
    currentRefreshToken,
    spentRefreshToken,
    resetToken,
    verifyToken,
    changeToken,
    device: deviceCookieOf(login.headers) ?? 'no device cookie',
  }
}

const asAdmin = (path: string, json?: unknown) => server.post(`/v1/admin/users/${path}`, json ?? {}, admin.bearer)

/** Each ends everything that the user has obtained before. @returns the password from then on, if the user has one */
const events: Record<string, (user: Holder) => Promise<string>> = {
  'a change of the password': async ({ bearer }) => {
    const change = { current_password: password, new_password: newPassword }
    expect((await server.post('/v1/auth/password/change', change, bearer)).status).toBe(204)
    return newPassword
  },
  'a reset of the password': async ({ resetToken }) => {
    const answer = await server.post('/v1/auth/password/reset', { token: resetToken, new_password: newPassword })
    expect(answer.status).toBe(204)
    return newPassword
  },
  'a change of the email': async ({ changeToken }) => {
    expect((await confirm(changeToken)).status).toBe(204)
    return password
  },
  'logout-all': async ({ bearer }) => {
    expect((await server.post('/v1/auth/logout-all', {}, bearer)).status).toBe(204)
    return password
  },
  'an administrator who ends the sessions': async ({ id }) => {
    expect((await asAdmin(`${id}/sessions/revoke`)).status).toBe(204)
    return password
  },
  'disabling the user, also when they are enabled again': async ({ id }) => {
    expect((await asAdmin(`${id}/disable`)).status).toBe(204)
    expect((await asAdmin(`${id}/enable`)).status).toBe(204)
    return password
  },
  'a new role': async ({ id }) => {
    expect((await server.patch(`/v1/admin/users/${id}`, { role: 'admin' }, admin.bearer)).status).toBe(200)
    return password
  },
  "an administrator's password": async ({ id }) => {
    const { statusCode } = await server.app.inject({
      method: 'PUT',
      url: `/v1/admin/users/${id}/password`,
      headers: admin.bearer,
      payload: { new_password: newPassword },
    })
    expect(statusCode).toBe(204)
    return newPassword
  },
  'a reset of the password by an administrator': async ({ id, email }) => {
    smtp.mails.length = 0
    expect((await asAdmin(`${id}/password/reset`)).status).toBe(204)
    const token = await tokenOf(email, 'Your password was reset')
    expect((await server.post('/v1/auth/password/reset', { token, new_password: newPassword })).status).toBe(204)
    return newPassword
  },
  'another email by an administrator': async ({ id, email }) => {
    const change = { email: `by-admin-${email}` }
    expect((await server.patch(`/v1/admin/users/${id}`, change, admin.bearer)).status).toBe(200)
    return password
  },
  deletion: async ({ id }) => {
    expect((await server.delete(`/v1/admin/users/${id}`, admin.bearer)).status).toBe(204)
    return password
  },
}

test.each(Object.entries(events))(
  '%s ends whatever gives access to the account or changes it later',
  async (_name, act) => {
    const user = await holder()
    const secret = await act(user)
    for (const at of [server, other]) {
      await expect.poll(async () => (await at.get('/v1/auth/verify', user.bearer)).status, { interval: 5 }).toBe(401)
    }
    const accepted: string[] = []
    const tryIt = async (what: string, attempt: Promise<{ status: number }>) => {
      const { status } = await attempt
      if (status < 400) accepted.push(what)
      expect([200, 204, 400, 401], what).toContain(status)
    }
    for (const at of [server, other]) {
      await tryIt('access token', at.get('/v1/me', user.bearer))
      await tryIt('refresh token in its grace', at.post('/v1/auth/refresh', { refresh_token: user.spentRefreshToken }))
      await tryIt('refresh token', at.post('/v1/auth/refresh', { refresh_token: user.currentRefreshToken }))
      await tryIt('link to confirm the email', confirm(user.verifyToken, at))
      await tryIt('link to another email', confirm(user.changeToken, at))
      await tryIt('link to a new password', reset(user.resetToken, at))
    }
    expect(accepted).toEqual([])

    const found = await server.app.mongo.db
      .collection('users')
      .findOne({ name: 'Holder', email: new RegExp(user.email) })
    if (found === null) return
    expect(found['email']).not.toBe(user.changeToken)
    const login = await server.post(
      '/v1/auth/login',
      { email: found['email'], password: secret },
      { cookie: user.device },
    )
    expect(login.status).toBe(200)
    expect(deviceCookieOf(login.headers), 'the device is no longer known').not.toBeUndefined()
    expect((await server.get('/v1/me', tokensOf(login.body).bearer)).body).toMatchObject({ pending_email: null })
  },
)

test('a link for another email, sent during a change of the password, is invalid', async () => {
  const user = await holder()
  const found = await server.app.users.findById(user.id)
  if (found === null) throw new Error('the user is gone')
  const token = await server.app.tokens.verifyAccessToken(user.bearer.authorization.slice('Bearer '.length))
  // Requested with the old session. The password changes before the link is created.
  const issue = server.app.oneTimeTokens.issue.bind(server.app.oneTimeTokens)
  using _late = vi.spyOn(server.app.oneTimeTokens, 'issue').mockImplementationOnce(async (subject, now) => {
    await server.app.revocation.revokeUser(user.id, 'password_change')
    return issue(subject, now) // outside of the transaction that the revocation conflicts with
  })
  await requestEmailChange(server.app, found, token, parseEmail(user.newEmail), { language: 'en' })
  smtp.mails.length = 0
  const late = await tokenOf(user.newEmail, subjects.change)
  expect(await confirm(late)).toMatchObject({ status: 400, body: { code: 'one_time_token_invalid' } })
})

test('the old address is notified of a request for another email immediately, and the user can revoke the request', async () => {
  const user = await holder()
  expect(await mailOf(user.email, subjects.changeRequested)).toContain('choose a new password at once')
  expect((await server.delete('/v1/me/pending-email', user.bearer)).status).toBe(204)
  expect((await other.get('/v1/me', user.bearer)).body).toMatchObject({ pending_email: null })
  expect(await confirm(user.changeToken)).toMatchObject({ status: 400, body: { code: 'one_time_token_invalid' } })
  expect((await server.delete('/v1/me/pending-email', user.bearer)).status).toBe(204)
  expect((await other.get('/v1/me', user.bearer)).body).toMatchObject({ email: user.email })
})

test('of two requests for another email the newer one counts', async () => {
  const user = await holder()
  const newest = `newest-${user.email}`
  const asked = await server.patch('/v1/me', { email: newest, current_password: password }, user.bearer)
  expect(asked.body).toMatchObject({ pending_email: newest })
  const newer = await tokenOf(newest, subjects.change)
  expect((await confirm(user.changeToken)).status).toBe(400)
  expect((await confirm(newer)).status).toBe(204)
})

test('a link of an earlier version, which has no watermark, works unless an event has ended it', async () => {
  const tokens = server.app.mongo.db.collection('one_time_tokens')
  const [kept, ended] = [await holder(), await holder()]
  await server.app.revocation.revokeUser(ended.id, 'logout_all')
  const user = await server.app.users.findById(ended.id)
  if (user === null) throw new Error('the user is gone')
  const about = { purpose: 'reset_password', userId: user._id, email: user.email, version: 0 } as const
  const late = await server.app.oneTimeTokens.issue(about, new Date(Date.now() - 60_000))
  await tokens.updateMany({}, { $unset: { version: '' } })
  expect((await reset(late)).status).toBe(400)
  expect((await reset(kept.resetToken)).status).toBe(204)
})

test('a role that is revoked during a login is not in the new token', async () => {
  const { email } = await logInAsAdmin(server)
  const users = server.app.mongo.db.collection('users')
  const check = server.app.passwords.check.bind(server.app.passwords)
  using _checking = vi.spyOn(server.app.passwords, 'check').mockImplementationOnce(async (...given) => {
    // Another program does so, which ends no session.
    await users.updateOne({ email }, { $set: { role: 'user' } })
    return check(...given)
  })
  const login = await server.post('/v1/auth/login', { email, password })
  expect(login).toMatchObject({ status: 200, body: { user: { role: 'user' } } })
  const { bearer } = tokensOf(login.body)
  expect((await other.get('/v1/auth/verify', bearer)).headers['x-auth-role']).toBe('user')
})

test('a change of the password that was in progress when its session ended changes nothing', async () => {
  const user = await logIn(server)
  const { sub } = await server.app.tokens.verifyAccessToken(user.accessToken)
  const hash = server.app.passwords.hash.bind(server.app.passwords)
  using _hashing = vi.spyOn(server.app.passwords, 'hash').mockImplementationOnce(async (text) => {
    await server.app.revocation.revokeUser(sub, 'logout_all')
    return hash(text)
  })
  const change = { current_password: password, new_password: newPassword }
  const answer = await server.post('/v1/auth/password/change', change, user.bearer)
  expect(answer).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
})
