import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, logIn, password } from './app-for-test.ts'
import { logInAt, type ProviderDeployment, startProviderDeployment } from './identity-provider-user.ts'
import { Browser, issuer, type Page } from './oidc-client.ts'
import { codeOf, enrol, forgetUsedCodes, mfaEnvironment } from './second-factor.ts'
import { TestProvider } from './test-provider.ts'

/** The pages of an account with identities of other providers. */
let smtp: TestSmtp
let provider: TestProvider
let deployment: ProviderDeployment
let server: AppForTest

beforeAll(async () => {
  smtp = await startSmtp()
  provider = await TestProvider.start()
  deployment = await startProviderDeployment(
    [provider.entry('corp'), provider.entry('staff', { requiredClaims: { hd: ['example.org'] } })],
    { ...mfaEnvironment, SMTP_URL: smtp.url, MAIL_FROM: 'no-reply@example.com' },
  )
  server = deployment.server
})
beforeEach(() => {
  provider.faults = {}
  provider.requests = []
})
afterAll(async () => {
  await deployment?.close()
  await provider?.stop()
  await smtp?.stop()
})

const freshClaims = () => ({
  sub: randomBytes(6).toString('hex'),
  email: `${randomBytes(6).toString('hex')}@corp.example`,
  email_verified: true,
  name: 'Mina',
})
const login = /^\/oauth\/interaction\//

async function userOf(email: string) {
  const user = await server.app.users.findByEmail(parseEmail(email))
  if (user === null) throw new Error(`${email} has no account`)
  return user
}

const identitiesOf = async (email: string) => server.app.identities.ofUser((await userOf(email))._id)

async function confirmEmail(email: string): Promise<void> {
  const { _id } = await userOf(email)
  await server.app.mongo.transaction((session) => server.app.verifiedEmails.add(_id, email, new Date(), session))
}

/** A browser of a user with a confirmed email, on the page with the linked accounts. */
async function loggedIn(isConfirmed = true) {
  const { email } = await logIn(server)
  if (isConfirmed) await confirmEmail(email)
  const browser = new Browser(server, deployment.other)
  const page = await browser.open('/account/identities')
  return { browser, email, page: await browser.submit(page, '/login', { email, password }) }
}

/** Sends the form that begins a link. @returns the page that leads to the provider, or that asks again */
async function askToLink(browser: Browser, current_password = password, id = 'corp'): Promise<Page> {
  const page = await browser.open(`/account/identities/link?provider=${id}`)
  return browser.submit(page, '/identities/link', { current_password })
}

/** Where the page sends the browser. */
function providerUrlOf({ headers }: Page): URL {
  return new URL(/^0;url=(.+)$/.exec(headers.get('refresh') ?? '')?.[1] ?? 'no header')
}

/** A whole link. */
async function link(browser: Browser, claims: Record<string, unknown>, id = 'corp'): Promise<Page> {
  return browser.open(provider.answer(providerUrlOf(await askToLink(browser, password, id)), claims))
}

test('a user links an account at a provider with the password, sees it, and logs in with it', async () => {
  const { browser, email, page } = await loggedIn()
  expect(page.text).toContain('No account of another provider is linked.')
  const claims = freshClaims()
  const toProvider = await askToLink(browser)
  expect(toProvider.headers.get('content-security-policy')).toContain("form-action 'self'")
  expect((await browser.follow(toProvider, '/authorize')).url.origin).toBe(provider.issuer)
  const done = await browser.open(provider.answer(providerUrlOf(toProvider), claims))
  expect(done.url.pathname).toBe('/account/identities')
  expect(done.text).toContain('The account is linked.')
  expect(done.text).toContain(`CORP (${claims.email})`)
  expect(done.text).toMatch(/Linked [A-Z][a-z]{2} \d{1,2}, \d{4}/)
  await Promise.all([server, deployment.other].map(({ app }) => app.mail.idle()))
  const subjects = smtp.mails.filter(({ to }) => to.includes(email)).map(({ subject }) => subject)
  expect(subjects).toContain('Your account was linked to another one')

  const { flow, page: back } = await logInAt(deployment, provider, 'corp', claims)
  const { sub } = decodeJwt((await deployment.application.redeem(flow, back.url)).access_token)
  expect(sub).toBe(String((await userOf(email))._id))
  expect(await server.app.metrics.registry.metrics()).toMatch(/provider="corp",result="linked"/)
})

test('a wrong password and an unknown provider lead to no provider', async () => {
  const { browser } = await loggedIn()
  const again = await askToLink(browser, 'wrong horse battery')
  expect(again.status).toBe(403)
  expect(again.text).toContain('The current password is wrong.')
  expect(again.headers.get('refresh')).toBeNull()
  expect((await browser.submit(again, '/identities/link', { current_password: password })).status).toBe(200)
  expect((await browser.open('/account/identities/link?provider=unknown')).status).toBe(404)
})

test('the answer of the provider counts once, in the session and the browser that asked', async () => {
  const [victim, attacker] = [await loggedIn(), await loggedIn()]
  const claims = freshClaims()
  const answer = provider.answer(providerUrlOf(await askToLink(attacker.browser)), claims)
  const foreign = await victim.browser.open(answer)
  expect(foreign.status).toBe(400)
  // The browser of the attacker, in which the victim logs in meanwhile.
  const cookie = attacker.browser.cookie('__Host-sso')
  attacker.browser.keep(`__Host-sso=${victim.browser.cookie('__Host-sso')}; Path=/; Secure`)
  const callback = `/account/identities/callback/corp${answer.search}`
  expect((await attacker.browser.open(callback)).status).toBe(400)
  expect(await identitiesOf(victim.email)).toEqual([])

  attacker.browser.keep(`__Host-sso=${cookie}; Path=/; Secure`)
  const own = provider.answer(providerUrlOf(await askToLink(attacker.browser)), claims)
  expect((await attacker.browser.open(own)).text).toContain('The account is linked.')
  expect((await attacker.browser.open(own)).status).toBe(400)
  expect(await identitiesOf(attacker.email)).toHaveLength(1)
})

test('a login that was begun for an application links nothing, and a link logs nobody in', async () => {
  const { browser, email } = await loggedIn()
  const started = await deployment.application.start({ prompt: 'login' })
  const page = await browser.open(started.url)
  const atProvider = (await browser.follow(page, '/provider/corp')).url
  const answer = provider.answer(atProvider, freshClaims())
  expect((await browser.open(`/account/identities/callback/corp${answer.search}`)).status).toBe(400)
  expect(await identitiesOf(email)).toEqual([])

  const other = provider.answer(providerUrlOf(await askToLink(browser)), freshClaims())
  expect((await browser.open(`${page.url.pathname}/callback/corp${other.search}`)).status).toBe(400)
})

test('a link whose session has ended meanwhile is not made', async () => {
  const { browser, email } = await loggedIn()
  const answer = provider.answer(providerUrlOf(await askToLink(browser)), freshClaims())
  await server.app.revocation.revokeUser(String((await userOf(email))._id), 'password_change')
  expect((await browser.open(answer)).url.pathname).toMatch(login)
  expect(await identitiesOf(email)).toEqual([])
})

test('an account of another user, one without a required claim, and one for an unconfirmed email are not linked', async () => {
  const claims = freshClaims()
  await link((await loggedIn()).browser, claims)
  const { browser, email } = await loggedIn()
  const taken = await link(browser, claims)
  expect(taken).toMatchObject({ status: 403, text: expect.stringContaining('already linked to another user') })
  const missing = await link(browser, { ...freshClaims(), hd: 'example.com' }, 'staff')
  expect(missing).toMatchObject({ status: 403, text: expect.stringContaining('may not log in here') })
  expect(await identitiesOf(email)).toEqual([])

  const unconfirmed = await loggedIn(false)
  const refused = await link(unconfirmed.browser, freshClaims())
  expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('Confirm the email of your account') })
  expect(await identitiesOf(unconfirmed.email)).toEqual([])
  const own = await link(unconfirmed.browser, { ...freshClaims(), email: unconfirmed.email })
  expect(own.text).toContain('The account is linked.')
})

test('a user who refuses at the provider, and one whose provider fails, are told so', async () => {
  const { browser } = await loggedIn()
  const url = providerUrlOf(await askToLink(browser))
  const denied = provider.answer(url, freshClaims())
  denied.searchParams.delete('code')
  denied.searchParams.set('error', 'access_denied')
  const page = await browser.open(denied)
  expect(page).toMatchObject({ status: 403, text: expect.stringContaining('Nothing was linked.') })
  // The form is there to try again.
  const next = await browser.submit(page, '/identities/link', { current_password: password })
  provider.faults = { token: 500 }
  const failed = await browser.open(provider.answer(providerUrlOf(next), freshClaims()))
  expect(failed).toMatchObject({ status: 503, text: expect.stringContaining('CORP is unavailable. Try again later.') })
})

test('a user unlinks an account, and is logged out everywhere', async () => {
  const { browser, email } = await loggedIn()
  const elsewhere = await logInAgain(email)
  await link(browser, freshClaims())
  const [identity] = await identitiesOf(email)
  const unknown = await browser.open('/account/identities/unlink', { ...(await tokenOf(browser)), id: 'unknown' })
  expect(unknown.status).toBe(404)
  const stranger = await loggedIn()
  const foreign = { ...(await tokenOf(stranger.browser)), id: String(identity?._id) }
  expect((await stranger.browser.open('/account/identities/unlink', foreign)).status).toBe(404)

  const list = await browser.open('/account/identities')
  const done = await browser.submit(list, '/identities/unlink')
  expect(done.text).toContain('The account is unlinked')
  expect(await identitiesOf(email)).toEqual([])
  for (const each of [browser, elsewhere]) expect((await each.open('/account')).url.pathname).toMatch(login)
})

async function logInAgain(email: string): Promise<Browser> {
  const browser = new Browser(server, deployment.other)
  await browser.submit(await browser.open('/account'), '/login', { email, password })
  return browser
}

/** What the forms of a browser carry. */
async function tokenOf(browser: Browser): Promise<{ xsrf: string }> {
  const { text } = await browser.open('/account')
  return { xsrf: /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? 'no token' }
}

/** A browser of a user without a password. */
async function loggedInByProvider() {
  const claims = freshClaims()
  const { browser } = await logInAt(deployment, provider, 'corp', claims)
  return { browser, claims, page: await browser.open('/account/identities') }
}

test('a user without a password keeps the last account, and links another one after a new login', async () => {
  const { browser, claims, page } = await loggedInByProvider()
  const kept = await browser.submit(page, '/identities/unlink')
  expect(kept).toMatchObject({ status: 409, text: expect.stringContaining('your last way to log in') })

  const { _id: userId } = await userOf(claims.email)
  const anHourAgo = new Date(Date.now() - 3_600_000)
  await server.app.mongo.db
    .collection('sessions')
    .updateMany({ userId }, { $set: { 'authentication.at': anHourAgo, createdAt: anHourAgo } })
  const form = await browser.open('/account/identities/link?provider=staff')
  expect(form.text).not.toContain('current_password')
  const asked = await browser.submit(form, '/identities/link')
  expect(asked.url.pathname).toMatch(login)
  const { url } = await browser.follow(asked, '/provider/corp')
  const back = await browser.open(provider.answer(url, claims))
  expect(back.url.pathname).toBe('/account/identities')
  const second = await browser.submit(await browser.open('/account/identities/link?provider=staff'), '/identities/link')
  const done = await browser.open(provider.answer(providerUrlOf(second), { ...freshClaims(), hd: 'example.org' }))
  expect(done.text).toContain('The account is linked.')
  expect(await identitiesOf(claims.email)).toHaveLength(2)
})

test('after a while, linking and unlinking need the second factor once more', async () => {
  const user = await enrol(server)
  const browser = new Browser(server, deployment.other)
  const asked = await browser.submit(await browser.open('/account/identities'), '/login', {
    email: user.email,
    password,
  })
  await browser.submit(asked, '/code', { code: codeOf(user.secret) })
  await forgetUsedCodes(server, user)
  await server.app.mongo.db
    .collection('sessions')
    .updateMany({ userId: user.id }, { $set: { 'authentication.at': new Date(Date.now() - 3_600_000) } })
  const fields = { ...(await tokenOf(browser)), id: 'unknown', provider: 'corp', current_password: password }
  for (const form of ['link', 'unlink']) {
    expect((await browser.open(`/account/identities/${form}`, fields)).url.pathname).toBe('/account/step-up')
  }
  const stepUp = await browser.open('/account/step-up?to=identities')
  const back = await browser.submit(stepUp, '/step-up', { code: codeOf(user.secret) })
  expect(back.url.pathname).toBe('/account/identities')
  expect((await browser.open('/account/identities/unlink', fields)).status).toBe(404)
})

test('the forms are refused from other origins, and without the token of the login', async () => {
  const [victim, thief] = [await loggedIn(), await loggedIn()]
  const [own, foreign] = [await tokenOf(victim.browser), await tokenOf(thief.browser)]
  await link(victim.browser, freshClaims())
  const [identity] = await identitiesOf(victim.email)
  const fields = { id: String(identity?._id), provider: 'corp', current_password: password }
  for (const form of ['link', 'unlink']) {
    const path = `/account/identities/${form}`
    for (const origin of ['https://evil.example', 'null', '']) {
      const answer = await victim.browser.open(path, { ...fields, ...own }, origin)
      expect({ form, origin, status: answer.status }).toEqual({ form, origin, status: 403 })
    }
    for (const xsrf of [{}, foreign]) {
      const answer = await victim.browser.open(path, { ...fields, ...xsrf })
      expect({ form, xsrf, status: answer.status }).toEqual({ form, xsrf, status: 403 })
    }
  }
  expect(await identitiesOf(victim.email)).toHaveLength(1)
  expect((await victim.browser.open('/account/identities')).url.href).toBe(`${issuer}/account/identities`)
})
