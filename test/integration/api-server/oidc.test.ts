import { randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { buildEndSessionUrl, fetchUserInfo, tokenIntrospection, tokenRevocation } from 'openid-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AppForTest, freshDatabase, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'
import {
  Application,
  Browser,
  logInByPage,
  newKey,
  news,
  type OidcFiles,
  oidcFiles,
  shop,
  withPrivateKey,
} from './oidc-client.ts'
import { codeOf, enrol, mfaEnvironment } from './second-factor.ts'

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let files: OidcFiles

beforeAll(async () => {
  files = await oidcFiles([shop, news, withPrivateKey.client])
  const environment = { ...files.environment, ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
})
afterAll(() => Promise.all([server.close(), other.close()]))

async function newUser(): Promise<string> {
  const email = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  return email
}

/** A user who is logged in at the shop. */
async function atShop(email?: string) {
  const user = email ?? (await newUser())
  const browser = new Browser(server, other)
  const application = await Application.of(shop, server, other)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(browser, flow, user))
  const claims = decodeJwt(tokens.access_token)
  return {
    email: user,
    browser,
    application,
    idToken: tokens.id_token ?? '',
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? '',
    sub: claims.sub ?? '',
    sid: String(claims['sid']),
  }
}

/** The tokens of an application are refused everywhere within a second. */
async function expectEnded({ accessToken, refreshToken, application, sub }: Awaited<ReturnType<typeof atShop>>) {
  const bearer = { authorization: `Bearer ${accessToken}` }
  for (const each of [server, other]) {
    await expect.poll(async () => (await each.get('/v1/auth/verify', bearer)).status, { timeout: 1_000 }).toBe(401)
    expect(await each.get('/oauth/userinfo', bearer)).toMatchObject({ status: 401 })
  }
  await expect(fetchUserInfo(application.config, accessToken, sub)).rejects.toThrow()
  await expect(application.refresh(refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
}

test('a user logs in once on the page, and clients get tokens, claims and new tokens', async () => {
  const email = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(shop, server, other)
  const flow = await application.start()
  const page = await browser.open(flow.url)
  expect(page.text).toContain('to continue to Shop')
  const callback = await browser.submit(page, '/login', { email, password })
  expect(callback.url.searchParams.get('iss')).toBe('https://auth.example.com')
  const tokens = await application.redeem(flow, callback.url)
  expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'RS256', kid: 'one' })
  expect(tokens.claims()).toMatchObject({ aud: 'shop', amr: ['pwd'], acr: 'aal1' })
  const claims = decodeJwt(tokens.access_token)
  expect(claims).toMatchObject({ client_id: 'shop', scope: 'openid profile email', aud: 'tests', role: 'user' })
  expect(Object.keys(decodeProtectedHeader(tokens.access_token))).toEqual(['alg', 'kid', 'typ'])
  expect(tokens.expires_in).toBe((claims.exp ?? 0) - (claims.iat ?? 0))

  const verified = await other.get('/v1/auth/verify?scope=openid', { authorization: `Bearer ${tokens.access_token}` })
  expect(verified).toMatchObject({ status: 200, body: { sub: claims.sub } })
  const info = await fetchUserInfo(application.config, tokens.access_token, claims.sub ?? '')
  expect(info).toEqual({ sub: claims.sub, name: 'Test User', email, email_verified: false })

  const refreshed = await application.refresh(tokens.refresh_token ?? '')
  expect(decodeJwt(refreshed.access_token)).toMatchObject({ sid: claims['sid'], client_id: 'shop' })
  expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)

  // Single sign-on: the user is not asked again.
  const second = await application.start()
  const again = await application.redeem(second, (await browser.open(second.url)).url)
  expect(decodeJwt(again.access_token)['sid']).not.toBe(claims['sid'])
  // Unless the client wants it.
  const strict = await application.start({ prompt: 'login' })
  expect((await browser.open(strict.url)).text).toContain('to continue to Shop')
  const silent = await application.start({ prompt: 'none' })
  const stranger = await new Browser(server).open(silent.url)
  expect(stranger.url.searchParams.get('error')).toBe('login_required')
})

test('the page says what is wrong with a password, and counts it as the API does', async () => {
  const email = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(shop, server, other)
  const flow = await application.start({ login_hint: email })
  const page = await browser.open(flow.url)
  expect(page.text).toContain(`value="${email}"`)
  const wrong = await browser.submit(page, '/login', { email: '"><script>alert(1)</script>', password: 'wrong' })
  expect(wrong.text).not.toContain('<script>')
  const refused = await browser.submit(page, '/login', { email, password: 'not the password' })
  expect(refused.status).toBe(401)
  expect(refused.text).toContain('The email or the password is wrong.')
  expect(refused.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
  const denied = await browser.submit(refused, '/cancel')
  expect(denied.url.searchParams.get('error')).toBe('access_denied')
  expect(denied.url.origin).toBe('https://shop.example.com')
})

test('a user with a second factor needs it on the page', async () => {
  const user = await enrol(server)
  const browser = new Browser(server, other)
  const application = await Application.of(shop, server, other)
  const flow = await application.start()
  const second = await browser.submit(await browser.open(flow.url), '/login', { email: user.email, password })
  expect(second.text).toContain('Enter your code')
  const wrong = await browser.submit(second, '/code', { code: 'wrong-code' })
  expect(wrong.status).toBeGreaterThanOrEqual(400)
  const callback = await browser.submit(wrong, '/code', { code: codeOf(user.secret) })
  const tokens = await application.redeem(flow, callback.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
  expect(tokens.claims()).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
})

test('a client of another owner asks for consent once, by its escaped name', async () => {
  const email = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(news, server, other)
  const flow = await application.start()
  const consent = await browser.submit(await browser.open(flow.url), '/login', { email, password })
  expect(consent.text).toContain('see your email')
  expect(consent.text).not.toContain('<b>&')
  const callback = await browser.submit(consent, '/consent')
  const tokens = await application.redeem(flow, callback.url)
  expect(decodeJwt(tokens.access_token)).toMatchObject({ client_id: 'news' })
  const second = await application.start()
  expect((await browser.open(second.url)).url.origin).toBe('https://news.example.com')
  const asksAgain = await application.start({ prompt: 'consent' })
  expect((await browser.open(asksAgain.url)).text).toContain('asks for access')
})

test('a client logs in with a signed assertion and pushes its request', async () => {
  const email = await newUser()
  const browser = new Browser(server, other)
  const application = await withPrivateKey.application(server, other)
  const flow = await application.startPushed()
  expect(flow.url.searchParams.get('request_uri')).toMatch(/^urn:/)
  expect([...flow.url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  const tokens = await application.redeem(flow, await logInByPage(browser, flow, email))
  expect(decodeJwt(tokens.access_token)).toMatchObject({ client_id: 'bank' })
})

test('the session of an application is one of the user, and ends from their list', async () => {
  const shopper = await atShop()
  const { bearer } = tokensOf((await server.post('/v1/auth/login', { email: shopper.email, password })).body)
  const { sessions } = (await server.get('/v1/me/sessions', bearer)).body as {
    sessions: { id: string; client?: string; device: string }[]
  }
  expect(sessions).toContainEqual(expect.objectContaining({ id: shopper.sid, client: 'Shop', device: 'Test Browser' }))
  // The one of the page itself, and the one of the API.
  expect(sessions.filter(({ client }) => client === undefined)).toHaveLength(2)
  expect(await server.delete(`/v1/me/sessions/${shopper.sid}`, bearer)).toMatchObject({ status: 204 })
  await expectEnded(shopper)
})

test.each([
  [
    'a password change',
    async ({ email }) => {
      const { bearer } = tokensOf((await server.post('/v1/auth/login', { email, password })).body)
      const change = { current_password: password, new_password: 'another horse battery' }
      return (await server.post('/v1/auth/password/change', change, bearer)).status
    },
  ],
  [
    'an administrator who disables the user',
    async ({ sub }) => {
      const { bearer } = await logInAsAdmin(server)
      return (await server.post(`/v1/admin/users/${sub}/disable`, {}, bearer)).status
    },
  ],
  [
    'a logout everywhere',
    async ({ email }) => {
      const { bearer } = tokensOf((await server.post('/v1/auth/login', { email, password })).body)
      return (await server.post('/v1/auth/logout-all', {}, bearer)).status
    },
  ],
] as [string, (of: Awaited<ReturnType<typeof atShop>>) => Promise<number>][])(
  '%s ends the tokens of applications and the login of the browser',
  async (_what, end) => {
    const shopper = await atShop()
    expect(await end(shopper)).toBeLessThan(300)
    await expectEnded(shopper)
    const flow = await shopper.application.start({ prompt: 'none' })
    const answer = await shopper.browser.open(flow.url)
    expect(answer.url.searchParams.get('error')).toBe('login_required')
  },
)

test('a logout that an application asks for ends every application of the login, after a confirmation', async () => {
  const shopper = await atShop()
  const second = await shopper.application.start()
  const again = await shopper.application.redeem(second, (await shopper.browser.open(second.url)).url)
  const url = buildEndSessionUrl(shopper.application.config, {
    id_token_hint: shopper.idToken,
    post_logout_redirect_uri: 'https://shop.example.com/',
    state: 'after',
  })
  const page = await shopper.browser.open(url)
  expect(page.text).toContain('Shop asks you to log out.')
  const done = await shopper.browser.submit(page, '/oauth/logout/confirm', { logout: 'yes' })
  expect(String(done.url)).toBe('https://shop.example.com/?state=after')
  await expectEnded(shopper)
  await expectEnded({ ...shopper, accessToken: again.access_token, refreshToken: again.refresh_token ?? '' })
  const silent = await shopper.application.start({ prompt: 'none' })
  const answer = await shopper.browser.open(silent.url)
  expect(answer.url.searchParams.get('error')).toBe('login_required')
})

test('a client introspects and revokes its own tokens, and no others', async () => {
  const shopper = await atShop()
  const { config } = shopper.application
  expect(await tokenIntrospection(config, shopper.accessToken)).toMatchObject({
    active: true,
    client_id: 'shop',
    scope: 'openid profile email',
  })
  expect(await tokenIntrospection(config, shopper.refreshToken)).toMatchObject({ active: true, client_id: 'shop' })
  const login = tokensOf((await server.post('/v1/auth/login', { email: shopper.email, password })).body)
  expect(await tokenIntrospection(config, login.accessToken)).toEqual({ active: false })
  await tokenRevocation(config, login.refreshToken)
  expect(await server.get('/v1/auth/verify', login.bearer)).toMatchObject({ status: 200 })
  await tokenRevocation(config, shopper.refreshToken)
  await expectEnded(shopper)
})

test('discovery names only what works', async () => {
  const { body } = await server.get('/.well-known/openid-configuration')
  expect(body).toMatchObject({
    issuer: 'https://auth.example.com',
    authorization_endpoint: 'https://auth.example.com/oauth/authorize',
    token_endpoint: 'https://auth.example.com/oauth/token',
    userinfo_endpoint: 'https://auth.example.com/oauth/userinfo',
    pushed_authorization_request_endpoint: 'https://auth.example.com/oauth/par',
    end_session_endpoint: 'https://auth.example.com/oauth/logout',
    introspection_endpoint: 'https://auth.example.com/oauth/introspect',
    revocation_endpoint: 'https://auth.example.com/oauth/revoke',
    jwks_uri: 'https://auth.example.com/.well-known/jwks.json',
    response_types_supported: ['code'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    device_authorization_endpoint: 'https://auth.example.com/oauth/device_authorization',
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256', 'PS256'],
    authorization_response_iss_parameter_supported: true,
  })
  expect((await other.get('/.well-known/oauth-authorization-server')).body).toEqual(body)
})

test('a new key signs from its time on, and sessions, codes and open pages go on', async () => {
  const shopper = await atShop()
  const open = await shopper.application.start({ prompt: 'login' })
  const page = await shopper.browser.open(open.url)
  const soon = new Date(Date.now() + 3_000).toISOString()
  await files.replaceKeys([files.firstKey, newKey('two', soon)])
  for (const each of [server, other]) {
    await expect
      .poll(async () => JSON.stringify((await each.get('/.well-known/jwks.json')).body), { timeout: 15_000 })
      .toContain('"two"')
  }
  const callback = await shopper.browser.submit(page, '/login', { email: shopper.email, password })
  await shopper.application.redeem(open, callback.url)
  let token = shopper.refreshToken
  const kidOfNext = async () => {
    const tokens = await shopper.application.refresh(token)
    token = tokens.refresh_token ?? ''
    return decodeProtectedHeader(tokens.id_token ?? '').kid
  }
  await expect.poll(kidOfNext, { timeout: 15_000 }).toBe('two')
  expect(JSON.stringify((await server.get('/.well-known/jwks.json')).body)).not.toMatch(/"d":|"p":|"q":/)
})

test('a client is added, changed and removed without a restart, and a wrong file changes nothing', async () => {
  const email = await newUser()
  const added = { ...shop, id: 'added' }
  await files.replaceClients([shop, news, withPrivateKey.client, added])
  const flow = await (await Application.of(shop, server)).start({ client_id: 'added', prompt: 'none' })
  const browser = new Browser(server)
  const originOf = async () => (await browser.open(flow.url)).url.origin
  await expect.poll(originOf, { timeout: 15_000 }).toBe('https://shop.example.com')
  await files.replaceClients([{ ...shop, redirectUris: ['https://*.example.com/'] }])
  const still = await atShop(email)
  expect(still.sub).not.toBe('')
  await files.replaceClients([shop, news, withPrivateKey.client])
  await expect.poll(originOf, { timeout: 15_000 }).toBe('https://auth.example.com')
})

test.each([
  ['retired', newKey('old', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')],
  ['in the future', newKey('early', '2999-01-01T00:00:00Z')],
])('a file of which all keys are %s is refused, at the start and later', async (_when, key) => {
  const wrong = await oidcFiles([shop])
  await wrong.replaceKeys([key])
  const reason = 'the keys of ID tokens in .*keys.json cannot be used: no key is active now'
  await expect(startApp(wrong.environment)).rejects.toThrow(new RegExp(reason))

  const good = await oidcFiles([shop])
  const running = await startApp(good.environment)
  try {
    const told = vi.spyOn(running.app.log, 'error')
    await good.replaceKeys([key])
    await expect
      .poll(() => told.mock.calls.map(([fields]) => String(Object(fields)['reason'])), { timeout: 15_000 })
      .toContainEqual(expect.stringMatching(new RegExp(reason)))
    const { body } = await running.get('/.well-known/jwks.json')
    expect((body['keys'] as { kid: string }[]).map(({ kid }) => kid)).toEqual(['one', 'one.PS256'])
  } finally {
    await running.close()
  }
})
