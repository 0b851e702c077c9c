import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, password, startApp } from './app-for-test.ts'
import { newEmail, userOf } from './enrolling.ts'
import { Application, Browser, oidcFiles, type Page, shop } from './oidc-client.ts'
import { codeOf, earlyInStep, mfaEnvironment, wrongCodeOf } from './second-factor.ts'

/** Two servers of one deployment that requires second factors: users set one up on the pages of their first login. */
let server: AppForTest
let other: AppForTest
let application: Application

beforeAll(async () => {
  const files = await oidcFiles([shop])
  const environment = {
    ...files.environment,
    ...mfaEnvironment,
    MFA_MODE: 'required',
    DATABASE_NAME: freshDatabase(),
  } as const
  server = await startApp(environment)
  other = await startApp(environment)
  application = await Application.of(shop, server, other)
})
afterAll(() => Promise.all([server.close(), other.close()]))

/** A browser after the password of a user who must set up a second factor. */
async function afterPassword(browser = new Browser(server, other), email = newEmail()) {
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  const flow = await application.start()
  const login = await browser.open(flow.url)
  const page = await browser.submit(login, '/login', { email, password })
  return { browser, email, flow, login, page }
}

const secretOf = ({ text }: Page) => (/<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(text)?.[1] ?? '').replaceAll(' ', '')
const codesOf = ({ text }: Page) => [...text.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => String(code))

/** The page with the secret. */
async function atSecret() {
  const begun = await afterPassword()
  const page = await begun.browser.submit(begun.page, '/enrol/totp')
  return { ...begun, page, secret: secretOf(page) }
}

test('a user sets up an authenticator app, saves recovery codes once, and goes on with the same login', async () => {
  const { browser, email, flow, page, secret } = await atSecret()
  expect(secret).toMatch(/^[A-Z2-7]{32}$/)
  expect(page.text).toContain('href="otpauth')
  expect(page.text).toContain('<svg')
  expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|script-src/)
  await earlyInStep()
  const shown = await browser.submit(page, '/enrol/confirm', { code: codeOf(secret) })
  const codes = codesOf(shown)
  expect(codes).toHaveLength(10)
  expect(shown.headers.get('cache-control')).toBe('no-store')
  const next = /class="button" href="([^"]+)"/.exec(shown.text)?.[1] ?? ''
  const callback = await browser.open(next)
  const tokens = await application.redeem(flow, callback.url)
  expect(tokens.claims()).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
  // Once: the form does not show them again.
  expect(codesOf(await browser.submit(page, '/enrol/confirm', { code: codeOf(secret, 1) }))).toEqual([])

  const elsewhere = new Browser(server, other)
  const login = await elsewhere.open((await application.start()).url)
  const second = await elsewhere.submit(login, '/login', { email, password })
  expect(second.text).toContain('Enter your code')
  const done = await elsewhere.submit(second, '/code', { code: codes[0] ?? '' })
  expect(done.url.searchParams.get('code')).not.toBeNull()
})

test('a wrong code shows the same secret again, and five of them end the setup', async () => {
  const { browser, email, page, secret } = await atSecret()
  let shown = page
  for (let attempt = 0; attempt < 4; attempt++) {
    shown = await browser.submit(shown, '/enrol/confirm', { code: wrongCodeOf(secret) })
    expect(shown.status).toBe(403)
    expect(secretOf(shown)).toBe(secret)
  }
  const last = await browser.submit(shown, '/enrol/confirm', { code: wrongCodeOf(secret) })
  expect(last.text).toContain('type="password"')
  const right = await browser.submit(shown, '/enrol/confirm', { code: codeOf(secret) })
  expect(right).toMatchObject({ status: 404, text: expect.stringContaining('type="password"') })
  expect(await server.app.mfa.factors.find((await userOf(server, email))._id)).toBeNull()
})

test('a user who leaves before the setup is complete has no login', async () => {
  const { browser, page } = await atSecret()
  expect(page.status).toBe(200)
  const silent = await browser.open((await application.start({ prompt: 'none' })).url)
  expect(silent.url.searchParams.get('error')).toBe('login_required')
})

test('a setup that began in one browser is completed in no other, nor in another login of the same one', async () => {
  const { browser, page, secret } = await atSecret()
  const fields = Object.fromEntries(
    [...page.text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
  const form = { ...fields, code: codeOf(secret) }
  const thief = new Browser(server, other)
  expect((await thief.open(page.url, form)).status).toBe(400)
  const own = await thief.open((await application.start()).url)
  expect((await thief.open(`${own.url.pathname}/enrol/confirm`, form)).status).toBe(401)
  const tab = await browser.open((await application.start()).url)
  expect((await browser.open(`${tab.url.pathname}/enrol/confirm`, form)).status).toBe(401)
  expect((await browser.open(`${tab.url.pathname}/enrol/totp`, form)).status).toBe(401)
})

test('the setup of one user cannot be confirmed at the login of another one', async () => {
  const [victim, thief] = [await atSecret(), await atSecret()]
  const tokenOf = ({ text }: Page) => /name="token" value="([^"]+)"/.exec(text)?.[1] ?? ''
  const answer = await thief.browser.submit(thief.page, '/enrol/confirm', {
    token: tokenOf(victim.page),
    code: codeOf(victim.secret),
  })
  expect(answer.status).toBe(404)
  expect(await server.app.mfa.factors.find((await userOf(server, victim.email))._id)).toBeNull()
})

test('a password that is changed meanwhile ends the setup', async () => {
  const { browser, email, page, secret } = await atSecret()
  await server.app.revocation.revokeUser((await userOf(server, email))._id.toString(), 'password_change')
  const answer = await browser.submit(page, '/enrol/confirm', { code: codeOf(secret) })
  expect(answer.status).toBe(401)
  expect(await server.app.mfa.factors.find((await userOf(server, email))._id)).toBeNull()
})

test('a user who registers on the page sets up the factor at once', async () => {
  const browser = new Browser(server, other)
  const flow = await application.start()
  const login = await browser.open(flow.url)
  const email = newEmail()
  const fields = { email, name: 'User', password, repeated: password }
  const enrol = await browser.submit(await browser.open(`${login.url.pathname}/register`), '/register', fields)
  const page = await browser.submit(enrol, '/enrol/totp')
  await earlyInStep()
  const shown = await browser.submit(page, '/enrol/confirm', { code: codeOf(secretOf(page)) })
  const next = /class="button" href="([^"]+)"/.exec(shown.text)?.[1] ?? ''
  const { access_token: token } = await application.redeem(flow, (await browser.open(next)).url)
  expect(decodeJwt(token)).toMatchObject({ acr: 'aal2' })
})

test('the forms of the setup are refused from other origins', async () => {
  const { browser, page, secret } = await atSecret()
  for (const path of ['/enrol/totp', '/enrol/confirm']) {
    const target = page.url.pathname.replace(/\/enrol\/\w+$/, path)
    for (const origin of ['https://evil.example', 'null', '']) {
      expect((await browser.open(target, { code: codeOf(secret) }, origin)).status).toBe(403)
    }
  }
})
