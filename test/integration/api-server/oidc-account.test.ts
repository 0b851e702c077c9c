import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import { Application, Browser, issuer, logInByPage, news, oidcFiles, type Page, shop } from './oidc-client.ts'
import { passkeyEnvironment } from './passkey-user.ts'
import { codeOf, enrol, forgetUsedCodes, wrongCodeOf } from './second-factor.ts'
import { SoftwareAuthenticator } from './software-authenticator.ts'

/** The pages of a user's own account. */
const newPassword = 'a new horse battery'
let smtp: TestSmtp
/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let application: Application

beforeAll(async () => {
  smtp = await startSmtp()
  const files = await oidcFiles([shop, news])
  const environment = {
    ...files.environment,
    ...passkeyEnvironment,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  application = await Application.of(shop, server, other)
})
beforeEach(async () => {
  await Promise.all([server, other].map(({ app }) => app.mail.idle()))
  smtp.mails.length = 0
})
afterAll(async () => {
  await Promise.all([server, other].map((each) => each.close()))
  await smtp.stop()
})

const sso = '__Host-sso'
const freshEmail = () => `${randomBytes(6).toString('hex')}@example.com`

async function linksTo(email: string): Promise<string[]> {
  await Promise.all([server, other].map(({ app }) => app.mail.idle()))
  const mails = smtp.mails.filter(({ to }) => to.includes(email))
  return mails.flatMap(({ text }) => /^https:\S+$/m.exec(text)?.[0] ?? [])
}

/** A browser that has come back to a page of the account from its login. */
async function loggedIn(path = '/account', given?: string): Promise<{ browser: Browser; email: string; page: Page }> {
  const email = given ?? (await logIn(server)).email
  const browser = new Browser(server, other)
  const login = await browser.open(path)
  expect(login.url.pathname).toMatch(/^\/oauth\/interaction\//)
  const page = await browser.submit(login, '/login', { email, password })
  return { browser, email, page }
}

/** The same for a user with an authenticator app. */
async function loggedInWithCode(path = '/account') {
  const user = await enrol(server)
  const { browser, page } = await loggedIn(path, user.email)
  const done = await browser.submit(page, '/code', { code: codeOf(user.secret) })
  await forgetUsedCodes(server, user)
  return { browser, user, page: done }
}

const newPasswords = { password: newPassword, repeated: newPassword }
const canLogIn = async (email: string, word: string) =>
  [200, 202].includes((await server.post('/v1/auth/login', { email, password: word })).status)

test('a browser that is not logged in logs in first, and comes back to the page that it wanted', async () => {
  const { page, email } = await loggedIn('/account/sessions')
  expect(page).toMatchObject({ status: 200, url: new URL(`${issuer}/account/sessions`) })
  expect(page.text).toContain('This browser')
  const { page: profile } = await loggedIn('/account', email)
  expect(profile.text).toContain(email)
})

test('a browser that is logged in for an application opens the pages at once', async () => {
  const { email } = await logIn(server)
  const browser = new Browser(server, other)
  await logInByPage(browser, await application.start(), email)
  expect(await browser.open('/account')).toMatchObject({ status: 200, text: expect.stringContaining(email) })
})

test('every page has a link to log out', async () => {
  const { browser } = await loggedIn()
  const paths = ['/account', '/account/factors', '/account/sessions', '/account/delete']
  for (const path of paths) {
    const { status, text } = await browser.open(path)
    expect(status, path).toBe(200)
    expect(text, path).toMatch(/<nav[\s\S]* href="[^"]*\/oauth\/logout[^"]*"[\s\S]*<\/nav>/)
  }
})

test('the code of the account pages gives no tokens', async () => {
  const { email } = await logIn(server)
  const browser = new Browser(server)
  const login = await browser.open('/account')
  const { request } = await requestsOf(browser, login, email)
  const code = request.searchParams.get('code') ?? ''
  expect(code).not.toBe('')
  const redeem = (secret: Record<string, string>) =>
    server.app.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        client_id: '_account',
        redirect_uri: `${issuer}/account/callback`,
        code_verifier: 'A'.repeat(43),
        ...secret,
      }).toString(),
    })
  for (const secret of [{}, { client_secret: '' }, { client_secret: 'A'.repeat(43) }]) {
    expect((await redeem(secret)).statusCode).toBe(401)
  }
})

/** The address to which a login on the page leads, without following it to the end. */
async function requestsOf(browser: Browser, login: Page, email: string): Promise<{ request: URL }> {
  const uid = login.url.pathname.split('/').at(-1) ?? ''
  const headers = {
    cookie: `__Secure-interaction=${uid}`,
    origin: issuer,
    'user-agent': 'Test Browser',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const posted = await server.app.inject({
    method: 'POST',
    url: `${login.url.pathname}/login`,
    headers,
    payload: new URLSearchParams({ email, password }).toString(),
  })
  const resume = new URL(String(posted.headers.location))
  const answer = await server.app.inject({
    url: resume.pathname,
    headers: { cookie: `__Secure-resume=${uid}; ${sso}=${browser.cookie(sso) ?? ''}` },
  })
  return { request: new URL(String(answer.headers.location)) }
}

test('a user changes the name and the email, which takes effect by the mailed link', async () => {
  const { browser, email, page } = await loggedIn()
  const named = await browser.submit(page, '/account/name', { name: 'New <b>Name' })
  expect(named.text).toContain('The change is saved.')
  expect(named.text).toContain('New &#60;b&#62;Name')
  const newEmail = freshEmail()
  const wrong = await browser.submit(named, '/account/email', {
    email: newEmail,
    current_password: 'wrong horse battery',
  })
  expect(wrong.status).toBe(403)
  expect(wrong.text).toContain(`value="${newEmail}"`)
  const asked = await browser.submit(wrong, '/account/email', { email: newEmail, current_password: password })
  expect(asked.text).toContain(newEmail)
  expect((await browser.submit(asked, '/email/cancel')).text).not.toContain(newEmail)
  smtp.mails.length = 0
  await browser.submit(asked, '/account/email', { email: newEmail, current_password: password })
  const [link = ''] = await linksTo(newEmail)
  expect((await browser.submit(await browser.open(link), '/verify-email')).status).toBe(200)
  expect([await canLogIn(email, password), await canLogIn(newEmail, password)]).toEqual([false, true])
  // All sessions have ended, also this one.
  expect((await browser.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
})

test('a user whose email is not confirmed gets another link', async () => {
  const { browser, email, page } = await loggedIn()
  await linksTo(email)
  smtp.mails.length = 0
  const sent = await browser.submit(page, '/email/verify')
  expect(sent.text).toContain('We have sent you a mail.')
  const [link = ''] = await linksTo(email)
  await browser.submit(await browser.open(link), '/verify-email')
  expect((await browser.open('/account')).text).not.toContain('/email/verify')
})

test('a user changes the password with the current one, and is logged out everywhere', async () => {
  const { browser, email, page } = await loggedIn('/account/password')
  const elsewhere = (await loggedIn('/account', email)).browser
  const wrong = await browser.submit(page, '/account/password', {
    current_password: 'wrong horse battery',
    ...newPasswords,
  })
  expect(wrong).toMatchObject({ status: 403, text: expect.stringContaining('current password is wrong') })
  const differ = { current_password: password, password: newPassword, repeated: password }
  expect((await browser.submit(page, '/account/password', differ)).status).toBe(400)
  const short = { current_password: password, password: 'short', repeated: 'short' }
  expect((await browser.submit(page, '/account/password', short)).status).toBe(422)
  const done = await browser.submit(page, '/account/password', { current_password: password, ...newPasswords })
  expect(done.text).toContain('Your password is changed')
  for (const each of [browser, elsewhere]) {
    expect((await each.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
  }
  expect([await canLogIn(email, password), await canLogIn(email, newPassword)]).toEqual([false, true])
})

test('a user ends one session, and all others, and sees the names of applications', async () => {
  const { browser, email } = await loggedIn()
  const shopping = new Browser(server, other)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(shopping, flow, email))
  const api = await server.post('/v1/auth/login', { email, password })
  const list = await browser.open('/account/sessions')
  expect(list.text).toContain('End: Shop')
  const ids = [...list.text.matchAll(/name="id" value="([^"]+)"/g)].map(([, id]) => String(id))
  // The login of the other browser, its application, the logins at the API: all but this one.
  expect(ids.length).toBeGreaterThanOrEqual(3)
  const shopSession = /name="id" value="([^"]+)">\s*<button[^>]*>End: Shop/.exec(list.text)?.[1] ?? ''
  const ended = await browser.open('/account/sessions/end', { ...xsrfOf(list), id: shopSession })
  expect(ended.text).toContain('The sessions have ended.')
  await expect(application.refresh(tokens.refresh_token ?? '')).rejects.toThrow()
  expect((await shopping.open('/account')).status).toBe(200)

  await browser.submit(ended, '/sessions/end-others')
  expect((await shopping.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
  expect((await server.post('/v1/auth/refresh', { refresh_token: api.body['refresh_token'] })).status).toBe(401)
  expect((await browser.open('/account/sessions')).text).not.toContain('name="id"')
})

const xsrfOf = ({ text }: Page) => ({ xsrf: /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '' })

test('a user ends no session of another user', async () => {
  const [victim, thief] = [await logIn(server), await loggedIn('/account/sessions')]
  const found = await server.app.users.findByEmail(parseEmail(victim.email))
  const [session] = await server.app.sessions.list(found?._id ?? '', 0, new Date())
  const answer = await thief.browser.open('/account/sessions/end', { ...xsrfOf(thief.page), id: session?._id ?? '' })
  expect(answer.status).toBe(404)
  expect((await server.get('/v1/me', victim.bearer)).status).toBe(200)
})

test('a user deletes the account with the password, and nothing is left of it', async () => {
  const { browser, email, page } = await loggedIn('/account/delete')
  expect((await browser.submit(page, '/account/delete', { current_password: 'wrong horse battery' })).status).toBe(403)
  const done = await browser.submit(page, '/account/delete', { current_password: password })
  expect(done.text).toContain('Your account is deleted')
  expect(await server.app.users.findByEmail(parseEmail(email))).toBeNull()
  expect((await browser.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
})

const secretOf = ({ text }: Page) => (/<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(text)?.[1] ?? '').replaceAll(' ', '')

test('a user adds an authenticator app: all other sessions end, and the stolen cookie of this one, too', async () => {
  const { browser, email } = await loggedIn('/account/factors')
  const page = await browser.open('/account/factors/totp')
  const stolen = browser.cookie(sso)
  const elsewhere = (await loggedIn('/account', email)).browser
  const secret = await browser.submit(page, '/factors/totp', { name: 'My phone', current_password: password })
  const wrong = await browser.submit(secret, '/totp/confirm', { code: wrongCodeOf(secretOf(secret)) })
  expect(wrong.status).toBe(403)
  expect(secretOf(wrong)).toBe(secretOf(secret))
  const codes = await browser.submit(wrong, '/totp/confirm', { code: codeOf(secretOf(secret)) })
  expect(codes.text.match(/<li><code>/g)).toHaveLength(10)
  // This browser stays logged in, by another cookie.
  const list = await browser.open('/account/factors')
  expect(list).toMatchObject({ status: 200, text: expect.stringContaining('My phone') })
  expect(list.text).not.toMatch(/<li><code>/)
  expect((await elsewhere.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
  const thief = new Browser(server, other)
  thief.keep(`${sso}=${stolen}; Path=/; Secure`)
  expect((await thief.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
  const silent = await browser.open((await application.start({ prompt: 'none', acr_values: 'aal2' })).url)
  expect(silent.url.searchParams.get('code')).not.toBeNull()
})

test('a user adds a passkey, renames it, and removes it', async () => {
  const { browser, email } = await loggedIn('/account/factors')
  const page = await browser.open('/account/factors/passkey')
  const ready = await browser.submit(page, '/factors/passkey', { name: 'Laptop', current_password: password })
  expect(ready.headers.get('content-security-policy')).toContain("script-src 'self'")
  const options = JSON.parse(
    (/data-ready="([^"]+)"/.exec(ready.text)?.[1] ?? '').replaceAll('&#34;', '"').replaceAll('&#58;', ':'),
  )
  const credential = JSON.stringify(new SoftwareAuthenticator().create(options, { origin: issuer }))
  const added = await browser.submit(ready, '/passkey/confirm', { credential })
  expect(added.text.match(/<li><code>/g)).toHaveLength(10)
  const list = await browser.open('/account/factors')
  const factor = await browser.open(
    /href="(\/account\/factors\/factor\?id[^"]+)"/.exec(list.text)?.[1]?.replace('&#61;', '=') ?? '',
  )
  const renamed = await browser.submit(factor, '/factors/rename', { name: 'Old laptop' })
  expect(renamed.text).toContain('Old laptop')
  const removed = await browser.submit(factor, '/factors/remove')
  expect(removed.text).toContain('The factor is removed')
  expect((await browser.open('/account')).url.pathname).toMatch(/^\/oauth\/interaction\//)
  expect((await server.post('/v1/auth/login', { email, password })).status).toBe(200)
})

test('a wrong password adds nothing, and is asked for again with the chosen name', async () => {
  const { browser } = await loggedIn('/account/factors')
  const page = await browser.open('/account/factors/totp')
  const again = await browser.submit(page, '/factors/totp', {
    name: 'My phone',
    current_password: 'wrong horse battery',
  })
  expect(again.status).toBe(403)
  expect(again.text).toContain('value="My phone"')
})

test('where a form was refused, another language shows its page again', async () => {
  const { browser, page } = await loggedIn('/account/password')
  const wrong = { current_password: 'wrong horse battery', ...newPasswords }
  const refused = await browser.submit(page, '/account/password', wrong)
  const german = await browser.inLanguage('de', refused)
  expect(german.url.href).toBe(`${issuer}/account/password`)
  expect(german.text).toContain('Aktuelles Passwort')

  const name = await browser.submit(await browser.open('/account'), '/account/name', { name: 'a'.repeat(201) })
  expect(name.status).toBe(400)
  expect((await browser.inLanguage('fr', name)).url.href).toBe(`${issuer}/account`)
})

test('an authenticator app that is being added, and a factor, are shown again in another language', async () => {
  const { browser } = await loggedIn('/account/factors')
  const form = await browser.open('/account/factors/totp')
  const started = await browser.submit(form, '/factors/totp', { name: 'My phone', current_password: password })
  const german = await browser.inLanguage('de', started)
  expect(german.text).toContain('Authentifizierungs-App einrichten')
  expect(secretOf(german)).toBe(secretOf(started))
  const codes = await browser.submit(german, '/totp/confirm', { code: codeOf(secretOf(german)) })
  // They are shown once, so nothing on this page may lead away from them by accident.
  expect(codes.text.match(/<li><code>/g)).toHaveLength(10)
  expect(codes.text).not.toContain('/oauth/language')

  const list = await browser.open('/account/factors')
  const id = /factor\?id(?:=|&#61;)([\w-]+)/.exec(list.text)?.[1] ?? ''
  const factor = await browser.open(`/account/factors/factor?id=${id}`)
  const refused = await browser.submit(factor, '/factors/rename', { name: 'a'.repeat(101) })
  expect(refused.status).toBe(400)
  expect((await browser.inLanguage('fr', refused)).url.href).toBe(`${issuer}/account/factors/factor?id=${id}`)
})

const sensitive: [string, string, Record<string, string>][] = [
  ['password', '/account/password', { current_password: password, ...newPasswords }],
  ['profile', '/account/email', { email: 'new@example.com', current_password: password }],
  ['delete', '/account/delete', { current_password: password }],
  ['factors', '/account/factors/totp', { name: 'Phone', current_password: password }],
  ['factors', '/account/factors/passkey', { name: 'Phone', current_password: password }],
  ['factors', '/account/factors/recovery-codes', {}],
  ['factors', '/account/factors/remove', { id: 'ID' }],
]

test.each(sensitive)(
  'after a while, a change of %s by %s needs the second factor once more',
  async (section, path, fields) => {
    const { browser, user, page } = await loggedInWithCode()
    await server.app.mongo.db
      .collection('sessions')
      .updateMany({ userId: user.id }, { $set: { 'authentication.at': new Date(Date.now() - 3_600_000) } })
    const form = { ...xsrfOf(page), ...fields, ...(fields['id'] !== undefined && { id: user.factorId }) }
    const asked = await browser.open(path, form)
    expect(asked.url.pathname).toBe('/account/step-up')
    expect((await browser.submit(asked, '/step-up', { code: wrongCodeOf(user.secret) })).status).toBe(403)
    const back = await browser.submit(asked, '/step-up', { code: codeOf(user.secret) })
    expect(back.url.pathname).toBe(section === 'profile' ? '/account' : `/account/${section}`)
    const done = await browser.open(path, { ...form, ...xsrfOf(page) })
    expect(done.url.pathname).not.toBe('/account/step-up')
    expect(done.status).toBe(200)
  },
)

test('recovery codes are replaced, and shown once', async () => {
  const { browser, user, page } = await loggedInWithCode('/account/factors')
  const shown = await browser.submit(page, '/factors/recovery-codes')
  expect(shown.text.match(/<li><code>/g)).toHaveLength(10)
  expect((await browser.open('/account/factors')).text).not.toMatch(/<li><code>/)
  const [old = ''] = user.recoveryCodes
  const elsewhere = await loggedIn('/account', user.email)
  expect((await elsewhere.browser.submit(elsewhere.page, '/code', { code: old })).status).toBe(403)
})

const forms = [
  'name',
  'email',
  'email/cancel',
  'email/verify',
  'password',
  'delete',
  'sessions/end',
  'sessions/end-others',
  'factors/totp',
  'factors/totp/confirm',
  'factors/passkey',
  'factors/passkey/confirm',
  'factors/rename',
  'factors/remove',
  'factors/recovery-codes',
  'step-up',
  'step-up/passkey',
  'step-up/passkey/options',
]

test('each form is refused from other origins, without its token, and with that of another login', async () => {
  const [victim, thief] = [await loggedIn(), await loggedIn()]
  const fields = {
    name: 'Stolen',
    email: freshEmail(),
    current_password: password,
    ...newPasswords,
    id: 'ID',
    code: '123456',
  }
  for (const form of forms) {
    const path = `/account/${form}`
    for (const origin of ['https://evil.example', 'https://shop.example.com', 'null', '']) {
      const answer = await victim.browser.open(path, { ...fields, ...xsrfOf(victim.page) }, origin)
      expect({ form, origin, status: answer.status }).toEqual({ form, origin, status: 403 })
    }
    for (const xsrf of [{}, { xsrf: '' }, xsrfOf(thief.page), { xsrf: 'A'.repeat(43) }]) {
      const answer = await victim.browser.open(path, { ...fields, ...xsrf })
      expect({ form, xsrf, status: answer.status }).toEqual({ form, xsrf, status: 403 })
    }
  }
  expect((await victim.browser.open('/account')).text).not.toContain('Stolen')
  expect(await canLogIn(victim.email, password)).toBe(true)
})

test('the token of an application, and that of a login at the API, open no page', async () => {
  const { email, accessToken } = await logIn(server)
  const browser = new Browser(server)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(browser, flow, email))
  for (const token of [tokens.access_token, accessToken]) {
    for (const url of ['/account', '/account/sessions', '/account/factors']) {
      const headers = { authorization: `Bearer ${token}`, cookie: `${sso}=${token}` }
      const answer = await server.app.inject({ url, headers })
      expect(answer.statusCode).toBe(303)
      expect(String(answer.headers.location)).toMatch(/^https:\/\/auth\.example\.com\/oauth\/authorize\?/)
    }
  }
})

test('no address leads a user away, and no page is shown in a frame', async () => {
  const { browser, page } = await loggedIn()
  for (const state of ['https://evil.example', '//evil.example', '../../evil', 'profile/../..']) {
    const back = await browser.open(`/account/callback?${new URLSearchParams({ state, code: 'A' })}`)
    expect(back.url.href).toBe(`${issuer}/account`)
    const stepUp = await browser.open(`/account/step-up?${new URLSearchParams({ to: state })}`)
    expect(stepUp.text).toContain('name="to" value="profile"')
  }
  const { headers } = page
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/)
  expect(headers.get('content-security-policy')).not.toMatch(/script-src|unsafe/)
  expect(headers.get('cache-control')).toBe('no-store')
})

test('a user who cancels the login is told so', async () => {
  const browser = new Browser(server)
  const login = await browser.open('/account/sessions')
  const answer = await browser.submit(login, '/cancel')
  expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('not logged in') })
})

test('a login that ends while a page is open ends the page', async () => {
  const { browser, email, page } = await loggedIn()
  const user = await server.app.users.findByEmail(parseEmail(email))
  await server.app.revocation.revokeUser(String(user?._id), 'logout_all')
  const answer = await browser.submit(page, '/account/name', { name: 'Too late' })
  expect(answer.url.pathname).toMatch(/^\/oauth\/interaction\//)
  expect((await server.app.users.findByEmail(parseEmail(email)))?.name).toBe('Test User')
})

test('wrong passwords count and lock as those of the API', async () => {
  const strict = await startApp({
    ...(await oidcFiles([shop])).environment,
    ...passkeyEnvironment,
    LOGIN_LOCK_AT_FAILURE: '3',
  })
  try {
    const { email } = await logIn(strict)
    const browser = new Browser(strict)
    const page = await browser.submit(await browser.open('/account/delete'), '/login', { email, password })
    const statuses = []
    for (let attempt = 0; attempt < 4; attempt++) {
      statuses.push((await browser.submit(page, '/account/delete', { current_password: 'wrong horse battery' })).status)
    }
    expect(statuses).toEqual([403, 403, 403, 429])
    const right = await browser.submit(page, '/account/delete', { current_password: password })
    expect(right.status).toBe(429)
  } finally {
    await strict.close()
  }
})
