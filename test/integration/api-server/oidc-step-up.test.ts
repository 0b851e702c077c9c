import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import { Application, Browser, oidcFiles, shop } from './oidc-client.ts'
import {
  codeOf,
  type Enrolled,
  enrol,
  firstStep,
  forgetUsedCodes,
  mfaEnvironment,
  wrongCodeOf,
} from './second-factor.ts'

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let application: Application

beforeAll(async () => {
  const files = await oidcFiles([shop])
  const environment = {
    ...files.environment,
    ...mfaEnvironment,
    MFA_REMEMBER_DEVICE: '7d',
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  application = await Application.of(shop, server, other)
})
afterAll(() => Promise.all([server.close(), other.close()]))

/** A browser in which a user with a second factor logs in with the password alone. */
async function rememberedBrowser(user: Enrolled): Promise<Browser> {
  const client = { 'user-agent': 'Test Browser' }
  const mfa_token = await firstStep(server, user, client)
  const step = { mfa_token, method: 'totp', code: codeOf(user.secret), remember_device: true }
  const { headers } = await server.post('/v1/auth/login/mfa', step, client)
  await forgetUsedCodes(server, user)
  const browser = new Browser(server, other)
  for (const line of [headers['set-cookie']].flat()) browser.keep(String(line))
  return browser
}

/** The same, after a login at the shop. */
async function withOneFactor(user: Enrolled): Promise<Browser> {
  const browser = await rememberedBrowser(user)
  const flow = await application.start()
  const callback = await browser.submit(await browser.open(flow.url), '/login', { email: user.email, password })
  const tokens = await application.redeem(flow, callback.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'aal1' })
  return browser
}

test('a browser that is logged in with one factor is asked for the second one, and then not again', async () => {
  const user = await enrol(server)
  const browser = await withOneFactor(user)
  const flow = await application.start({ acr_values: 'aal2' })
  const page = await browser.open(flow.url)
  expect(page.text).toContain('Enter your code')
  expect(page.text).not.toContain('type="password"')
  const refused = await browser.submit(page, '/step-up', { code: wrongCodeOf(user.secret) })
  expect(refused.status).toBe(403)
  const callback = await browser.submit(refused, '/step-up', { code: codeOf(user.secret) })
  const tokens = await application.redeem(flow, callback.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
  expect(tokens.claims()).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
  for (const parameters of [{ acr_values: 'aal2' }, { acr_values: 'aal2', prompt: 'none' }, { acr_values: 'aal1' }]) {
    const again = await application.start(parameters)
    const second = await application.redeem(again, (await browser.open(again.url)).url)
    expect(second.claims()).toMatchObject({ acr: 'aal2' })
  }
})

test('without a page, a request for the second factor is refused', async () => {
  const browser = await withOneFactor(await enrol(server))
  const flow = await application.start({ acr_values: 'aal2', prompt: 'none' })
  const { url } = await browser.open(flow.url)
  expect(url.searchParams.get('error')).toBe('login_required')
  expect(url.searchParams.get('code')).toBeNull()
})

test.each(['aal2 aal1', 'aal1', 'urn:example:unknown', ' '])(
  'acr_values of "%s" are satisfied by one factor',
  async (values) => {
    const browser = await withOneFactor(await enrol(server))
    const flow = await application.start({ acr_values: values })
    const tokens = await application.redeem(flow, (await browser.open(flow.url)).url)
    expect(tokens.claims()).toMatchObject({ acr: 'aal1' })
  },
)

test('a login with the password alone goes on with the second factor, also after prompt=login and max_age', async () => {
  for (const parameters of [{ prompt: 'login' }, { max_age: '0' }, { prompt: 'login', max_age: '0' }]) {
    const user = await enrol(server)
    const browser = await withOneFactor(user)
    const flow = await application.start({ acr_values: 'aal2', ...parameters })
    const page = await browser.open(flow.url)
    expect(page.text).toContain('type="password"')
    const second = await browser.submit(page, '/login', { email: user.email, password })
    expect(second.text).toContain('Enter your code')
    const callback = await browser.submit(second, '/step-up', { code: codeOf(user.secret) })
    const tokens = await application.redeem(flow, callback.url)
    expect(tokens.claims()).toMatchObject({ acr: 'aal2' })
  }
})

test('a user without a second factor gets an error of the protocol, with and without a page', async () => {
  const { email } = await logIn(server)
  const browser = new Browser(server, other)
  const flow = await application.start({ acr_values: 'aal2' })
  const answer = await browser.submit(await browser.open(flow.url), '/login', { email, password })
  expect(Object.fromEntries(answer.url.searchParams)).toMatchObject({
    error: 'unmet_authentication_requirements',
    state: flow.state,
  })
  const silent = await application.start({ acr_values: 'aal2', prompt: 'none' })
  expect((await browser.open(silent.url)).url.searchParams.get('error')).toBe('unmet_authentication_requirements')
  // Another person can log in instead.
  const enrolled = await enrol(server)
  const next = await application.start({ acr_values: 'aal2', prompt: 'login' })
  const page = await browser.open(next.url)
  expect(page.text).toContain('type="password"')
  const code = await browser.submit(page, '/login', { email: enrolled.email, password })
  expect(code.text).toContain('Enter your code')
})

test('the second factor alone gives nothing to a browser that is not logged in, or no longer', async () => {
  const user = await enrol(server)
  const browser = await withOneFactor(user)
  const flow = await application.start({ acr_values: 'aal2' })
  const page = await browser.open(flow.url)
  const own = { code: codeOf(user.secret) }
  expect(await new Browser(server, other).submit(page, '/step-up', own)).toMatchObject({ status: 400 })

  const stranger = new Browser(server, other)
  const login = await stranger.open((await application.start({ acr_values: 'aal2' })).url)
  expect(await stranger.open(`${login.url.pathname}/step-up`, own)).toMatchObject({ status: 400 })

  await server.app.revocation.revokeUser(user.id.toString(), 'logout_all')
  expect(await browser.submit(page, '/step-up', own)).toMatchObject({ status: 400 })
  expect((await browser.open((await application.start()).url)).text).toContain('type="password"')
})

test('codes that are wrong count as those of the API, and a code counts once', async () => {
  const user = await enrol(server)
  const browser = await withOneFactor(user)
  const first = await browser.open((await application.start({ acr_values: 'aal2' })).url)
  const second = await browser.open((await application.start({ acr_values: 'aal2' })).url)
  const code = codeOf(user.secret)
  expect((await browser.submit(first, '/step-up', { code })).url.searchParams.get('code')).not.toBeNull()
  expect(await browser.submit(second, '/step-up', { code })).toMatchObject({ status: 403 })
  expect((await server.get('/.well-known/openid-configuration')).body).toMatchObject({
    acr_values_supported: ['aal1', 'aal2'],
  })
})
