import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { OneTimeToken } from '../../../api-server/plugins/app/one-time-tokens/store.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import { Application, Browser, issuer, oidcFiles, type Page, shop } from './oidc-client.ts'

/** Users who have forgotten their password, or who have no account, on the pages of a login and of mailed links. */
const newPassword = 'a new horse battery'
let smtp: TestSmtp
/** Two servers of one deployment, which have no URLs for links. */
let server: AppForTest
let other: AppForTest
/** Where registration does not disclose whether an email is taken. */
let hidden: AppForTest
let strict: AppForTest
let application: Application

beforeAll(async () => {
  smtp = await startSmtp()
  const files = await oidcFiles([shop])
  const environment: ServerEnvironment = {
    ...files.environment,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    RATE_LIMIT_RESET: '100000/s',
    RATE_LIMIT_MAIL: '100000/s',
    RATE_LIMIT_EMAIL_VERIFY: '100000/s',
    LOGIN_LOCK_AT_FAILURE: '100',
  }
  const DATABASE_NAME = freshDatabase()
  server = await startApp({ ...environment, DATABASE_NAME })
  other = await startApp({ ...environment, DATABASE_NAME })
  hidden = await startApp({ ...environment, REGISTRATION_DISCLOSURE: 'hidden' })
  strict = await startApp({
    ...environment,
    RATE_LIMIT_RESET: '3/h',
    RATE_LIMIT_REGISTER: '2/m',
    RATE_LIMIT_EMAIL_VERIFY: '3/h',
  })
  application = await Application.of(shop, server, other)
})
beforeEach(async () => {
  await Promise.all([server, other, hidden, strict].map(({ app }) => app.mail.idle()))
  smtp.mails.length = 0
})
afterAll(async () => {
  await Promise.all([server, other, hidden, strict].map((each) => each.close()))
  await smtp.stop()
})

const freshEmail = () => `${randomBytes(6).toString('hex')}@example.com`
const tokens = ({ app }: AppForTest = server) => app.mongo.db.collection<OneTimeToken>('one_time_tokens')

/** The addresses of the links of the mails to a user, oldest first. */
async function linksTo(email: string): Promise<string[]> {
  await Promise.all([server, other, hidden, strict].map(({ app }) => app.mail.idle()))
  const mails = smtp.mails.filter(({ to }) => to.includes(email))
  return mails.flatMap(({ text }) => /^https:\S+$/m.exec(text)?.[0] ?? [])
}

async function onlyLinkTo(email: string): Promise<string> {
  const links = await linksTo(email)
  expect(links, `links to ${email}`).toHaveLength(1)
  smtp.mails.length = 0
  return links[0] ?? ''
}

async function loginPage(...servers: AppForTest[]): Promise<{ browser: Browser; page: Page; state: string }> {
  const browser = new Browser(...servers)
  const { url, state } = await (await Application.of(shop, ...servers)).start()
  return { browser, page: await browser.open(url), state }
}

/** The page behind a link of a page. @param end of its path */
function follow(browser: Browser, { text, url }: Page, end: string): Promise<Page> {
  const target = [...text.matchAll(/<a [^>]*href="([^"]+)"/g)]
    .map(([, href = '']) => href)
    .find((href) => href.endsWith(end))
  if (target === undefined) throw new Error(`no link ends with ${end}:\n${text}`)
  return browser.open(new URL(target, url))
}

async function registeredUser(at = server): Promise<string> {
  const { email } = await logIn(at)
  await at.app.mail.idle()
  smtp.mails.length = 0
  return email
}

/** A mailed link with which a user chooses a new password, and the browser that asked for it at a login. */
async function resetLink(at: AppForTest[] = [server, other]) {
  const email = await registeredUser(at[0])
  const { browser, page, state } = await loginPage(...at)
  await browser.submit(await follow(browser, page, '/forgot'), '/forgot', { email })
  return { email, browser, page, state, link: await onlyLinkTo(email) }
}

const newPasswords = (chosen = newPassword) => ({ password: chosen, repeated: chosen })

test('a user who has forgotten the password chooses a new one by mail, and goes on with the same login', async () => {
  const { email, browser, state, link } = await resetLink()
  expect(link).toMatch(/^https:\/\/auth\.example\.com\/account\/reset-password\?token=[\w-]{43}$/)
  const done = await browser.submit(await browser.open(link), '/reset-password', newPasswords())
  expect(done).toMatchObject({ status: 200, text: expect.stringContaining('Your password is changed') })
  const next = done.text.match(/href="(\/oauth\/interaction\/[\w-]+)"/)?.[1] ?? ''
  const login = await browser.open(next)
  expect((await browser.submit(login, '/login', { email, password })).status).toBe(401)
  const callback = await browser.submit(login, '/login', { email, password: newPassword })
  expect(callback.url.searchParams.get('state')).toBe(state)
  expect(callback.url.searchParams.get('code')).not.toBeNull()
})

test('a link that is opened in another browser works there, and logs that browser in nowhere', async () => {
  const { email, browser, page, state, link } = await resetLink()
  const elsewhere = new Browser(server, other)
  const done = await elsewhere.submit(await elsewhere.open(link), '/reset-password', newPasswords())
  expect(done).toMatchObject({ status: 200 })
  expect(done.text).not.toContain('/oauth/interaction')
  expect(elsewhere.cookie('__Host-sso')).toBeUndefined()
  expect((await elsewhere.open((await application.start()).url)).text).toContain('type="password"')
  // The first browser goes on.
  const callback = await browser.submit(page, '/login', { email, password: newPassword })
  expect(callback.url.searchParams.get('state')).toBe(state)
})

test('opening a link, as mail scanners do, uses it up neither for a password nor for an email', async () => {
  const { email, browser, link } = await resetLink()
  const before = await tokens().countDocuments({ email })
  const scanner = new Browser(server, other)
  for (let look = 0; look < 3; look++) expect((await scanner.open(link)).status).toBe(200)
  expect(await tokens().countDocuments({ email })).toBe(before)
  expect((await browser.submit(await browser.open(link), '/reset-password', newPasswords())).status).toBe(200)
})

test('a link changes the password once', async () => {
  const { email, browser, link } = await resetLink()
  const form = await browser.open(link)
  const both = await Promise.all([
    browser.submit(form, '/reset-password', newPasswords('first horse battery')),
    new Browser(other).submit(form, '/reset-password', newPasswords('second horse battery')),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 400])
  const again = await browser.submit(form, '/reset-password', newPasswords('third horse battery'))
  expect(again).toMatchObject({ status: 400, text: expect.stringContaining('already used') })
  const logins = await Promise.all(
    ['first', 'second', 'third'].map((word) =>
      server.post('/v1/auth/login', { email, password: `${word} horse battery` }),
    ),
  )
  expect(logins.filter(({ status }) => status === 200)).toHaveLength(1)
  // The page offers another link.
  const request = await follow(browser, again, '/account/forgot-password')
  await browser.submit(request, '/forgot-password', { email })
  expect(await linksTo(email)).not.toEqual([])
})

test('a password that a rule refuses, or that was entered in two ways, does not use the link up', async () => {
  const { browser, link } = await resetLink()
  const form = await browser.open(link)
  expect(
    await browser.submit(form, '/reset-password', { password: newPassword, repeated: 'a new horse batery' }),
  ).toMatchObject({ status: 400, text: expect.stringContaining('passwords differ') })
  const short = await browser.submit(form, '/reset-password', newPasswords('short'))
  expect(short.status).toBe(422)
  expect(short.text).not.toContain('value="short"')
  expect((await browser.submit(short, '/reset-password', newPasswords())).status).toBe(200)
})

test('where a form of a mailed link was refused, another language shows it again', async () => {
  const { browser, link } = await resetLink()
  const refused = await browser.submit(await browser.open(link), '/reset-password', newPasswords('short'))
  const german = await browser.inLanguage('de', refused)
  expect(german.text).toContain('Neues Passwort wählen')
  const done = await browser.submit(german, '/reset-password', newPasswords())
  expect(done).toMatchObject({ status: 200, text: expect.stringContaining('Ihr Passwort ist geändert') })
  // A page that tells what has happened is shown once.
  expect(done.text).not.toContain('/oauth/language')

  const another = await browser.submit(await browser.open('/account/forgot-password'), '/forgot-password', {
    email: '',
  })
  expect((await browser.inLanguage('fr', another)).url.pathname).toBe('/account/forgot-password')
})

test('a request for a link gets the same page for an email with an account and for one without', async () => {
  const [known, unknown] = [await registeredUser(), freshEmail()]
  const answers = []
  for (const email of [known, unknown]) {
    const { browser, page } = await loginPage(server)
    const answer = await browser.submit(await follow(browser, page, '/forgot'), '/forgot', { email })
    const uid = page.url.pathname.split('/').at(-1) ?? ''
    answers.push({
      status: answer.status,
      text: answer.text.replaceAll(email, 'EMAIL').replaceAll(uid, 'UID'),
      headers: [...answer.headers.keys()].sort(),
    })
  }
  expect(answers[0]).toEqual(answers[1])
  expect(answers[0]?.status).toBe(200)
  expect(await linksTo(known)).toHaveLength(1)
  expect(await linksTo(unknown)).toEqual([])
})

test('a user registers and goes on with the same login, and confirms the email by mail', async () => {
  const { browser, page, state } = await loginPage(server, other)
  const email = freshEmail()
  const form = await follow(browser, page, '/register')
  const callback = await browser.submit(form, '/register', { email, name: 'New <b>User', ...newPasswords() })
  expect(callback.url.searchParams.get('state')).toBe(state)
  expect(callback.url.searchParams.get('code')).not.toBeNull()
  const link = await onlyLinkTo(email)
  expect(link).toMatch(/^https:\/\/auth\.example\.com\/account\/verify-email\?token=[\w-]{43}$/)
  const user = await server.post('/v1/auth/login', { email, password: newPassword })
  const bearer = { authorization: `Bearer ${user.body['access_token']}` }
  const isVerified = async () => (await server.get('/v1/me', bearer)).body['email_verified']
  const verify = await browser.open(link)
  expect(await isVerified()).toBe(false)
  expect((await browser.submit(verify, '/verify-email')).text).toContain('Your email is confirmed')
  expect(await isVerified()).toBe(true)
  expect((await browser.submit(verify, '/verify-email')).status).toBe(400)
})

test('what a user enters wrongly is asked for again, without the passwords', async () => {
  const { browser, page } = await loginPage(server)
  const form = await follow(browser, page, '/register')
  const email = freshEmail()
  const wrong: [Record<string, string>, number][] = [
    [{ email: 'not an email', name: 'User', ...newPasswords() }, 400],
    [{ email, name: '', ...newPasswords() }, 400],
    [{ email, name: 'a'.repeat(201), ...newPasswords() }, 400],
    [{ email, name: 'User', password: newPassword, repeated: 'another' }, 400],
    [{ email, name: 'User', ...newPasswords('') }, 400],
    [{ email, name: 'User', ...newPasswords('short') }, 422],
    [{ email: await registeredUser(), name: 'User', ...newPasswords() }, 409],
  ]
  for (const [fields, status] of wrong) {
    const answer = await browser.submit(form, '/register', fields)
    expect({ fields, status: answer.status }).toEqual({ fields, status })
    expect(answer.text).toContain('role="alert"')
    expect(answer.text).not.toContain(newPassword)
  }
  expect(await server.app.users.findByEmail(parseEmail(email))).toBeNull()
})

test('with hidden registration, the page is the same for a taken email, and the account begins with the link', async () => {
  const { browser, page, state } = await loginPage(hidden)
  const email = freshEmail()
  const register = async (name: string, on = { browser, page }) =>
    on.browser.submit(await follow(on.browser, on.page, '/register'), '/register', { email, name, ...newPasswords() })
  const first = await register('User')
  expect(first.status).toBe(200)
  const link = await onlyLinkTo(email)
  expect((await browser.submit(page, '/login', { email, password: newPassword })).status).toBe(401)
  const done = await browser.submit(await browser.open(link), '/verify-email')
  const next = done.text.match(/href="(\/oauth\/interaction\/[\w-]+)"/)?.[1] ?? ''
  const taken = await loginPage(hidden)
  const second = await register('Thief', taken)
  const anonymous = ({ text }: Page, of: Page) => text.replaceAll(of.url.pathname.split('/').at(-1) ?? '', 'UID')
  expect(anonymous(second, taken.page)).toBe(anonymous(first, page))
  expect(await linksTo(email)).toEqual([])
  const callback = await browser.submit(await browser.open(next), '/login', { email, password: newPassword })
  expect(callback.url.searchParams.get('state')).toBe(state)
})

test('requests for links, wrong links and registrations count as those of the API do', async () => {
  const [email, browser] = [freshEmail(), new Browser(strict)]
  const form = await browser.open('/account/forgot-password')
  for (let request = 0; request < 2; request++) {
    expect((await browser.submit(form, '/forgot-password', { email })).status).toBe(200)
  }
  expect((await strict.post('/v1/auth/password/forgot', { email })).status).toBe(202)
  const refused = await browser.submit(form, '/forgot-password', { email })
  expect(refused).toMatchObject({ status: 429, text: expect.stringContaining('Too many') })
  expect((await strict.post('/v1/auth/password/forgot', { email })).status).toBe(429)

  const guess = () => randomBytes(32).toString('base64url')
  const verify = () => browser.open('/account/verify-email', { token: guess() })
  for (let each = 0; each < 3; each++) expect((await verify()).status).toBe(400)
  expect((await verify()).status).toBe(429)
  expect((await strict.post('/v1/auth/email/verify', { token: guess() })).status).toBe(429)
  const reset = () => browser.open('/account/reset-password', { token: guess(), ...newPasswords() })
  for (let each = 0; each < 3; each++) expect((await reset()).status).toBe(400)
  expect((await reset()).status).toBe(429)

  const register = async () => {
    const { browser: visitor, page } = await loginPage(strict)
    const fields = { email: freshEmail(), name: 'User', ...newPasswords() }
    return (await visitor.submit(await follow(visitor, page, '/register'), '/register', fields)).url.origin
  }
  expect([await register(), await register()]).toEqual(Array(2).fill('https://shop.example.com'))
  expect(await register()).toBe(issuer)
  const api = { email: freshEmail(), name: 'User', password }
  expect((await strict.post('/v1/auth/register', api)).status).toBe(429)
})

const forms: [string, () => Promise<{ path: string; browser: Browser; fields: Record<string, string> }>][] = [
  ...(['login', 'forgot', 'register', 'cancel'] as const).map((name): (typeof forms)[number] => [
    `/oauth/interaction/UID/${name}`,
    async () => {
      const { browser, page } = await loginPage(server)
      const fields = { email: freshEmail(), password, repeated: password, name: 'User' }
      return { path: `${page.url.pathname}/${name}`, browser, fields }
    },
  ]),
  ...(['forgot-password', 'reset-password', 'verify-email'] as const).map((name): (typeof forms)[number] => [
    `/account/${name}`,
    async () => ({
      path: `/account/${name}`,
      browser: new Browser(server),
      fields: { email: freshEmail(), token: 'A'.repeat(43), ...newPasswords() },
    }),
  ]),
]

test.each(forms)('the form of %s is refused from any other origin, and without one', async (_path, open) => {
  const { path, browser, fields } = await open()
  for (const origin of [
    'https://evil.example',
    'null',
    'http://auth.example.com',
    `${issuer}.evil.example`,
    undefined,
  ]) {
    const answer = await browser.open(path, fields, origin ?? '')
    expect({ origin, status: answer.status }).toEqual({ origin, status: 403 })
    expect(answer.text).toContain('foreign_origin')
  }
  expect((await browser.open(path, fields)).status).not.toBe(403)
})

test('each page forbids frames, caches and scripts, and no address with a token leaves it', async () => {
  const { browser, page, link } = await resetLink()
  const pages = [
    await follow(browser, page, '/forgot'),
    await follow(browser, page, '/register'),
    await browser.open(link),
    await browser.open('/account/verify-email?token=A'),
    await browser.open('/account/forgot-password'),
  ]
  for (const { headers, url } of pages) {
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy, url.pathname).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(policy).not.toContain('script-src')
    expect(policy).not.toContain('unsafe')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cache-control')).toBe('no-store')
  }
  expect((await browser.open(link)).headers.get('referrer-policy')).toBe('strict-origin')
})

test('a page of a link shows its token as text, and goes on only to a login of this server', async () => {
  const browser = new Browser(server)
  const { text } = await browser.open(
    `/account/reset-password?token=${encodeURIComponent('"><script>alert(1)</script>')}`,
  )
  expect(text).not.toContain('<script>')
  for (const planted of ['//evil.example', 'https://evil.example', '../../evil', 'a%0d%0ab']) {
    browser.keep(`__Secure-continue=${planted}; Path=/account; Secure`)
    const { email, link } = await resetLink([server])
    const done = await browser.submit(await browser.open(link), '/reset-password', newPasswords())
    expect(done.status, email).toBe(200)
    expect(done.text).not.toContain('evil')
    expect(done.text).not.toContain('href=')
  }
})

test('the host of a request changes no link', async () => {
  const email = await registeredUser()
  const host = { host: 'evil.example', 'x-forwarded-host': 'evil.example', origin: issuer }
  await server.app.inject({
    method: 'POST',
    url: '/account/forgot-password',
    headers: { ...host, 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ email }).toString(),
  })
  expect(await onlyLinkTo(email)).toMatch(/^https:\/\/auth\.example\.com\//)
})

test('a password, a form or a link of a login that began in another browser is refused', async () => {
  const { page } = await loginPage(server)
  const thief = new Browser(server)
  for (const path of ['forgot', 'register']) {
    expect((await thief.open(`${page.url.pathname}/${path}`)).status).toBe(400)
    const fields = { email: freshEmail(), name: 'User', ...newPasswords() }
    expect((await thief.open(`${page.url.pathname}/${path}`, fields)).status).toBe(400)
  }
})
