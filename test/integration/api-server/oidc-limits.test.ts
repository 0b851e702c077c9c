import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcState } from '../../../api-server/plugins/app/oidc/state-adapter.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import { Application, Browser, fetchOf, issuer, logInByPage, news, oidcFiles, secret, shop } from './oidc-client.ts'
import { mfaEnvironment } from './second-factor.ts'

/** Servers of one deployment: with limits that a test reaches, and after its policy of second factors changed. */
let server: AppForTest
let limited: AppForTest
let required: AppForTest
let strict: AppForTest

beforeAll(async () => {
  const files = await oidcFiles([shop, news])
  const environment = { ...files.environment, ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  limited = await startApp({
    ...environment,
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_PER_CLIENT: '1/h',
    RATE_LIMIT_BURST: '2',
  })
  strict = await startApp({
    ...environment,
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_REFRESH: '2/h',
    RATE_LIMIT_LOGIN: '3/h',
  })
  required = await startApp({ ...environment, MFA_MODE: 'required' })
})
afterAll(() => Promise.all([server.close(), limited.close(), strict.close(), required.close()]))

const states = ({ app }: AppForTest) => app.mongo.db.collection<OidcState>('oauth_state')

test.each([
  ['GET', '/oauth/authorize', '192.0.2.1'],
  ['POST', '/oauth/par', '192.0.2.2'],
  ['POST', '/oauth/token', '192.0.2.3'],
  ['GET', '/oauth/logout', '192.0.2.4'],
  ['POST', '/oauth/device_authorization', '192.0.2.5'],
  ['GET', '/oauth/device', '192.0.2.6'],
  ['GET', '/oauth/userinfo', '192.0.2.7'],
  ['GET', '/oauth/interaction/A', '192.0.2.8'],
  ['POST', '/oauth/interaction/A/login', '192.0.2.9'],
] as const)('%s %s counts for the limit of one address', async (method, url, remoteAddress) => {
  const statuses = []
  for (let request = 0; request < 4; request++) {
    statuses.push((await limited.app.inject({ method, url, remoteAddress })).statusCode)
  }
  expect(statuses.slice(0, 3)).not.toContain(429)
  expect(statuses[3]).toBe(429)
})

test('what a visitor leaves at the logout page is forgotten soon, and a login is not', async () => {
  const browser = new Browser(server)
  await browser.open('/oauth/logout?state=of-a-visitor')
  const left = await states(server).findOne({ payload: /of-a-visitor/ })
  expect(left?.expiresAt.getTime()).toBeLessThan(Date.now() + 3_600_000)
  const user = await logIn(server)
  const application = await Application.of(shop, server)
  const logsIn = new Browser(server)
  await logInByPage(logsIn, await application.start(), user.email)
  await logsIn.open('/oauth/logout?state=of-a-user')
  const kept = await states(server).findOne({ payload: /of-a-user/ })
  expect(kept?.expiresAt.getTime()).toBeGreaterThan(Date.now() + 3_600_000)
})

test('a pushed request is at most 16 KiB long', async () => {
  const application = await Application.of(news, server)
  const push = async (length: number) => {
    const { url } = await application.start({ login_hint: 'a'.repeat(length) })
    return (await fetchOf(server)(`${issuer}/oauth/par`, { method: 'POST', body: url.searchParams })).status
  }
  expect(await push(1_000)).toBe(201)
  expect(await push(30_000)).toBe(400)
})

test('a user who must have a second factor is asked for it, although the browser is logged in', async () => {
  const user = await logIn(server)
  const application = await Application.of(shop, server)
  const browser = new Browser(server)
  const first = await application.start()
  await application.redeem(first, await logInByPage(browser, first, user.email))
  const silent = await application.start({ prompt: 'none' })
  expect((await browser.open(silent.url)).url.searchParams.get('code')).not.toBeNull()
  // The same browser at a server that requires second factors.
  const strict = new Browser(required)
  const cookie = browser.cookie('__Host-sso')
  const flow = await application.start({ prompt: 'none' })
  const answer = await required.app.inject({
    url: flow.url.pathname + flow.url.search,
    headers: { cookie: `__Host-sso=${cookie}` },
  })
  expect(new URL(String(answer.headers.location)).searchParams.get('error')).toBe('login_required')
  const page = await strict.open((await application.start()).url)
  const refused = await strict.submit(page, '/login', { email: user.email, password })
  expect(refused).toMatchObject({ status: 200 })
  expect(refused.text).toContain('Set up a second factor')
})

test.each([
  [415, 'application/xml', '<email>'],
  [413, 'application/x-www-form-urlencoded', `email=${'a'.repeat(20_000)}`],
])('a wrong form gets %i, and is no failure of the server', async (status, type, payload) => {
  const answer = await server.app.inject({
    method: 'POST',
    url: '/oauth/interaction/A/login',
    headers: { 'content-type': type },
    payload,
  })
  expect(answer.statusCode).toBe(status)
  expect(answer.body).toContain('This did not work')
})

test('browsers name the pages as the origin of their forms', async () => {
  const application = await Application.of(shop, server)
  const page = await new Browser(server).open((await application.start()).url)
  expect(page.headers.get('referrer-policy')).toBe('same-origin')
})

/** Values that programs have taken for something else. */
const strange = [
  '',
  '%00',
  '%',
  '%ff',
  '[object Object]',
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  'NaN',
  '{}',
  'a.b.c',
]
test.each([
  'scope',
  'prompt',
  'max_age',
  'id_token_hint',
  'acr_values',
  'claims',
  'response_mode',
  'client_id',
  'redirect_uri',
  'request_uri',
  'request',
  'state',
  'nonce',
  'code_challenge',
  'ui_locales',
  'display',
  'resource',
  'registration',
])('no value of %s makes the server fail', async (name) => {
  const application = await Application.of(shop, server)
  for (const value of strange) {
    for (const path of ['/oauth/authorize', '/oauth/logout']) {
      const { url } = await application.start()
      url.searchParams.delete(name)
      const answer = await server.app.inject({ url: `${path}${url.search}&${name}=${value}` })
      expect(answer.statusCode, `${path} ${name}=${value}`).toBeLessThan(500)
      expect(String(answer.headers.location), `${path} ${name}=${value}`).not.toContain('server_error')
    }
  }
})

test.each([
  ['Basic', 'Basic Og=='],
  ['a client that is no text', `Basic ${Buffer.from('%ff:%ff').toString('base64')}`],
  ['a prototype', `Basic ${Buffer.from('__proto__:a').toString('base64')}`],
  ['a constructor', `Basic ${Buffer.from('constructor:a').toString('base64')}`],
  ['nothing', ''],
])('the token endpoint refuses %s', async (_what, authorization) => {
  for (const body of [
    '',
    'grant_type=authorization_code&code=%00',
    'grant_type=refresh_token&refresh_token=a',
    '__proto__=a',
  ]) {
    const answer = await server.app.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...(authorization !== '' && { authorization }) },
      payload: body,
    })
    expect(answer.statusCode).toBeLessThan(500)
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
  }
})

const basic = (id: string, word: string) => `Basic ${Buffer.from(`${id}:${word}`).toString('base64')}`

/** A request to an endpoint for programs. */
async function ask(
  url: string,
  authorization: string,
  parameters: Record<string, string>,
  remoteAddress = '192.0.2.1',
) {
  const answer = await strict.app.inject({
    method: 'POST',
    url,
    remoteAddress,
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization },
    payload: new URLSearchParams(parameters).toString(),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, string>>() }
}

test('refreshes of one session are limited as at the API, and the refused one ends nothing', async () => {
  const { email } = await logIn(strict)
  const flow = await (await Application.of(shop, strict)).start()
  const callback = await logInByPage(new Browser(strict), flow, email)
  let token = (await (await Application.of(shop, strict)).redeem(flow, callback)).refresh_token ?? ''
  const refresh = (from: string) =>
    ask('/oauth/token', basic('shop', secret), { grant_type: 'refresh_token', refresh_token: token }, from)
  for (let n = 0; n < 2; n++) {
    const { status, body } = await refresh('192.0.2.9')
    expect(status).toBe(200)
    token = body['refresh_token'] ?? ''
  }
  const refused = await refresh('192.0.2.9')
  expect(refused).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(await refresh('192.0.2.10')).toMatchObject({ status: 200 })
})

test.each(['/oauth/token', '/oauth/par'])(
  'clients that fail to authenticate at %s are limited and counted',
  async (url) => {
    const address = url === '/oauth/token' ? '192.0.2.20' : '192.0.2.21'
    const parameters = {
      grant_type: 'authorization_code',
      code: 'A',
      redirect_uri: 'https://shop.example.com/callback',
    }
    const attempt = (id: string, word: string) => ask(url, basic(id, word), parameters, address)
    const invented = `invented-${address}`
    for (const id of ['shop', invented, 'shop']) {
      expect(await attempt(id, 'wrong')).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    }
    const refused = await attempt('shop', 'wrong')
    expect(refused).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    // Another client behind the same address is not affected.
    expect((await attempt('shop', secret)).status).toBe(400)
    const metrics = await strict.app.metrics.registry.metrics()
    expect(metrics).toMatch(/auth_oauth_refusals_total\{client="shop",error="invalid_client"\} \d/)
    expect(metrics).toMatch(/auth_oauth_refusals_total\{client="unknown",error="invalid_client"\} \d/)
    expect(metrics).not.toContain(invented)

    await strict.app.securityEventStore.flush()
    const clients = async () => {
      const events = await strict.app.securityEventStore.list({ event: 'authn_login_fail', limit: 100 })
      return events.filter((event) => event.address === address).map(({ clientId = 'unknown' }) => clientId)
    }
    await expect.poll(async () => [...new Set(await clients())].sort()).toEqual(['shop', 'unknown'])
  },
)

test('requests that a client of the file is granted or refused are counted by its name', async () => {
  const grants = async () => (await server.app.metrics.oauthGrants.get()).values
  const ofShop = async () => (await grants()).find(({ labels }) => labels.client === 'shop')?.value ?? 0
  const before = await ofShop()
  const { email } = await logIn(server)
  const application = await Application.of(shop, server)
  const flow = await application.start()
  await application.redeem(flow, await logInByPage(new Browser(server), flow, email))
  expect(await ofShop()).toBe(before + 1)
  expect((await grants()).map(({ labels }) => labels.client)).not.toContain('unknown')
})

test('a client that fails to authenticate for an introspection is counted by its name', async () => {
  await ask('/oauth/introspect', basic('shop', 'wrong'), { token: 'a' }, '192.0.2.30')
  await ask('/oauth/introspect', basic('another', 'wrong'), { token: 'a' }, '192.0.2.31')
  const counted = (await strict.app.metrics.oauthRefusals.get()).values.map(({ labels }) => labels.client)
  expect(new Set(counted)).toEqual(new Set(['shop', 'unknown']))
})

test.each([
  ['email', 'login'],
  ['password', 'login'],
  ['code', 'code'],
  ['mfa_token', 'code'],
] as const)(
  'the field %s may have any length: a page answers, and does not repeat it at length',
  async (field, action) => {
    const { email } = await logIn(server)
    const application = await Application.of(shop, server)
    const browser = new Browser(server)
    const page = await browser.open((await application.start()).url)
    const fields = action === 'login' ? { email, password } : { mfa_token: 'a', code: '123456' }
    for (const value of ['', ' ', '\u0000', '\ud800', 'a'.repeat(300), 'é'.repeat(2_000), 'a'.repeat(16_000)]) {
      const answer = await browser.open(`${page.url.pathname}/${action}`, { ...fields, [field]: value })
      expect(answer.status, `${field} of ${value.length}`).toBeGreaterThanOrEqual(400)
      expect(answer.status, `${field} of ${value.length}`).toBeLessThan(500)
      expect(answer.headers.get('content-type')).toContain('text/html')
      expect(answer.text).toContain('role="alert"')
      expect(answer.text.length, `${field} of ${value.length}`).toBeLessThan(12_000)
    }
  },
)

test('a login hint of any length leaves a page of a normal length', async () => {
  const application = await Application.of(shop, server)
  const page = await new Browser(server).open((await application.start({ login_hint: 'a'.repeat(6_000) })).url)
  expect(page.status).toBe(200)
  expect(page.text.length).toBeLessThan(12_000)
})

test('a page at a path of any length is answered', async () => {
  for (const uid of ['a'.repeat(99), 'a'.repeat(101), 'a'.repeat(4_000), '%00', '%2e%2e']) {
    const answer = await server.app.inject({ url: `/oauth/interaction/${uid}` })
    expect([400, 404], uid).toContain(answer.statusCode)
  }
})
