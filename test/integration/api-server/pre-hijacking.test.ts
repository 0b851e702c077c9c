/**
 * The attacks of "Pre-hijacked accounts" (Sudhodanan and Paverd, USENIX Security 2022): an attacker prepares an account
 * with the email of a victim, who comes later.
 */
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, logIn, password } from './app-for-test.ts'
import { logInAt, type ProviderDeployment, startProviderDeployment } from './identity-provider-user.ts'
import type { Browser, Page } from './oidc-client.ts'
import { TestProvider } from './test-provider.ts'

let smtp: TestSmtp
/** Verifies emails. */
let google: TestProvider
/** Lets everybody claim any email, and says so, or not. */
let careless: TestProvider
let deployment: ProviderDeployment
let server: AppForTest
let victim: { sub: string; email: string; email_verified: boolean; name: string }

beforeAll(async () => {
  smtp = await startSmtp()
  ;[google, careless] = await Promise.all([TestProvider.start(), TestProvider.start()])
  deployment = await startProviderDeployment([google.entry('google'), careless.entry('careless')], {
    SMTP_URL: smtp.url,
    MAIL_FROM: 'no-reply@example.com',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    RATE_LIMIT_MAIL: '100000/s',
    RATE_LIMIT_RESET: '100000/s',
  })
  server = deployment.server
})
let count = 0
beforeEach(() => {
  count++
  victim = { sub: `victim-${count}`, email: `victim${count}@example.org`, email_verified: true, name: 'Victim' }
})
afterAll(async () => {
  await deployment?.close()
  await google?.stop()
  await careless?.stop()
  await smtp?.stop()
})

const attackerPassword = password
const newPassword = 'a new horse battery'

/** The token of the newest mail with this subject. */
async function mailedToken(to: string, subject: string): Promise<string> {
  await Promise.all([server.app.mail.idle(), deployment.other.app.mail.idle()])
  const mail = smtp.mails.findLast((each) => each.to.includes(to) && each.subject === subject)
  const token = /token=([\w-]+)/.exec(mail?.text ?? '')?.[1]
  if (token === undefined) throw new Error(`${to} has no mail "${subject}"`)
  return token
}

/** The victim proves that the email is theirs, and then links the account. */
async function recoverAndLink(browser: Browser, page: Page): Promise<Page> {
  await server.post('/v1/auth/password/forgot', { email: victim.email })
  const token = await mailedToken(victim.email, 'Choose a new password')
  const reset = await server.post('/v1/auth/password/reset', { token, new_password: newPassword })
  expect(reset.status).toBe(204)
  return browser.submit(page, '/login', { email: victim.email, password: newPassword })
}

test('classic-federated merge: an account that another person registered is not merged', async () => {
  const attacker = await logIn(server, victim.email)
  const { browser, page } = await logInAt(deployment, google, 'google', victim)
  expect(page.text).toContain('There is an account with your email already.')
  expect(await server.app.mongo.db.collection('identities').findOne({ subject: victim.sub })).toBeNull()
  const done = await recoverAndLink(browser, page)
  expect(done.url.host).toBe('shop.example.com')
  const login = { email: victim.email, password: attackerPassword }
  expect(await server.post('/v1/auth/login', login)).toMatchObject({ status: 401 })
  expect(await server.get('/v1/me', attacker.bearer)).toMatchObject({ status: 401 })
})

test('unexpired session: no session of the attacker survives', async () => {
  const attacker = await logIn(server, victim.email)
  const { browser, page } = await logInAt(deployment, google, 'google', victim)
  await recoverAndLink(browser, page)
  const { refreshToken: refresh_token } = attacker
  for (const each of [server, deployment.other]) {
    await expect.poll(async () => (await each.get('/v1/me', attacker.bearer)).status).toBe(401)
    expect(await each.post('/v1/auth/refresh', { refresh_token })).toMatchObject({ status: 401 })
  }
})

test('trojan identifier: an unconfirmed account takes no identity of another email', async () => {
  await logIn(server, victim.email)
  const trojan = { sub: `trojan-${count}`, email: `attacker${count}@example.net`, email_verified: false }
  const { browser, page } = await logInAt(deployment, careless, 'careless', trojan)
  const refused = await browser.submit(page, '/login', { email: victim.email, password: attackerPassword })
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('Confirm the email of your account first.')
  expect(await server.app.mongo.db.collection('identities').findOne({ subject: trojan.sub })).toBeNull()
  // The login, which was for the link, does not count.
  const user = await server.app.mongo.db.collection('users').findOne({ email: victim.email })
  const active = { userId: user?._id, revokedAt: { $exists: false }, device: 'Test Browser' }
  expect(await server.app.mongo.db.collection('sessions').countDocuments(active)).toBe(0)

  const own = await logInAt(deployment, google, 'google', victim)
  await recoverAndLink(own.browser, own.page)
  const again = await logInAt(deployment, careless, 'careless', trojan)
  expect(again.page.url.host).not.toBe('shop.example.com')
})

test('unexpired email change: a change that the attacker requested is void', async () => {
  const attacker = await logIn(server, victim.email)
  const email = `attacker${count}@example.net`
  const change = { email, current_password: attackerPassword }
  expect(await server.patch('/v1/me', change, attacker.bearer)).toMatchObject({ status: 200 })
  const token = await mailedToken(email, 'Confirm your new email')
  const { browser, page } = await logInAt(deployment, google, 'google', victim)
  await recoverAndLink(browser, page)
  expect(await server.post('/v1/auth/email/verify', { token })).toMatchObject({ status: 400 })
  const { flow, page: later } = await logInAt(deployment, google, 'google', victim)
  const tokens = await deployment.application.redeem(flow, later.url)
  const user = await server.app.users.findById(String(decodeJwt(tokens.access_token).sub))
  expect(user?.email).toBe(victim.email)
})

test('non-verifying provider: an identity with the email of the victim gives the attacker nothing', async () => {
  const claimed = { sub: `attacker-${count}`, email: victim.email, email_verified: false, name: 'Attacker' }
  const first = await logInAt(deployment, careless, 'careless', claimed)
  expect(first.page.text).toContain('Link your account')
  expect(await server.app.mongo.db.collection('users').findOne({ email: victim.email })).toBeNull()
  // The victim comes later, and gets an account that the attacker does not reach.
  const own = await logInAt(deployment, google, 'google', victim)
  expect(own.page.url.host).toBe('shop.example.com')
  const second = await logInAt(deployment, careless, 'careless', claimed)
  expect(second.page.text).toContain('Link your account')
})

test('hidden registration: a link that the attacker requested creates no account beside that of the victim', async () => {
  const attacker = await server.app.oneTimeTokens.issue(
    {
      purpose: 'register',
      userId: `pending-${count}`,
      email: victim.email,
      version: 0,
      registration: { name: 'Attacker', passwordHash: await server.app.passwords.hash(attackerPassword) },
    },
    new Date(),
  )
  await logInAt(deployment, google, 'google', victim)
  expect(await server.post('/v1/auth/email/verify', { token: attacker })).toMatchObject({ status: 400 })
})
