import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcState } from '../../../api-server/plugins/app/oidc/state-adapter.ts'
import { hashOf } from '../../../api-server/plugins/app/opaque-token.ts'
import { decideRefresh, type Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { parseUserKey } from '../../../api-server/plugins/app/users/user-key.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import {
  Application,
  Browser,
  type Flow,
  fetchOf,
  issuer,
  logInByPage,
  news,
  oidcFiles,
  redirectUri,
  secret,
  shop,
  withPrivateKey,
} from './oidc-client.ts'

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let application: Application
let email: string

beforeAll(async () => {
  const files = await oidcFiles([shop, news, withPrivateKey.client, { ...shop, id: 'rival', name: 'Rival' }])
  const environment = { ...files.environment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
  application = await Application.of(shop, server, other)
  email = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
})
afterAll(() => Promise.all([server.close(), other.close()]))

const basic = (id: string, word: string) => `Basic ${Buffer.from(`${id}:${word}`).toString('base64')}`

/** A request to the token endpoint. @param changes `undefined` removes a parameter */
async function redeem(
  { verifier }: Flow,
  callback: URL,
  changes: Record<string, string | undefined> = {},
  { at = server, authorization = basic('shop', secret) }: { at?: AppForTest; authorization?: string | null } = {},
) {
  const parameters = {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...changes,
  }
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) body.set(name, value)
  const answer = await fetchOf(at)(`${issuer}/oauth/token`, {
    method: 'POST',
    body,
    headers: authorization === null ? {} : { authorization },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

async function newCode(parameters: Record<string, string> = {}): Promise<{ flow: Flow; callback: URL }> {
  const flow = await application.start(parameters)
  return { flow, callback: await logInByPage(new Browser(server, other), flow, email) }
}

async function isAccepted(accessToken: string | undefined): Promise<boolean> {
  const { status } = await other.get('/v1/auth/verify?scope=openid', { authorization: `Bearer ${accessToken}` })
  return status === 200
}

test('of a code that is redeemed twice at once at two servers, no second token stays valid', async () => {
  for (let round = 0; round < 10; round++) {
    const { flow, callback } = await newCode()
    const answers = await Promise.all([
      redeem(flow, callback, {}, { at: server }),
      redeem(flow, callback, {}, { at: other }),
    ])
    const tokens = answers.filter(({ status }) => status === 200).map(({ body }) => body['access_token'])
    expect(tokens.length).toBeLessThanOrEqual(1)
    // RFC 6749 section 4.1.2: a second use ends what the first one gave.
    for (const token of tokens) await expect.poll(() => isAccepted(token), { timeout: 2_000 }).toBe(false)
  }
}, 120_000)

test('a code that is used again ends the session that it gave', async () => {
  const { flow, callback } = await newCode()
  const first = await redeem(flow, callback)
  expect(first.status).toBe(200)
  expect(await redeem(flow, callback, {}, { at: other })).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  })
  await expect.poll(() => isAccepted(first.body['access_token']), { timeout: 2_000 }).toBe(false)
})

test.each([
  ['without a verifier', { code_verifier: undefined }],
  ['with the verifier of another flow', { code_verifier: 'A'.repeat(43) }],
  ['with another redirect URI', { redirect_uri: 'https://shop.example.com/other' }],
  ['without a redirect URI', { redirect_uri: undefined }],
  ['that does not exist', { code: 'A'.repeat(43) }],
])('a code %s is refused', async (_what, changes) => {
  const { flow, callback } = await newCode()
  const answer = await redeem(flow, callback, changes)
  expect(answer.status).toBe(400)
  expect(answer.body['access_token']).toBeUndefined()
})

test.each([
  ['of another client with its own secret', basic('rival', secret), {}],
  ['with a wrong secret', basic('shop', 'wrong'), {}],
  ['with the hash of the secret', basic('shop', createHash('sha256').update(secret).digest('hex')), {}],
  ['without a secret', null, { client_id: 'shop' }],
  ['of a public client', null, { client_id: 'news' }],
  ['of a client that signs assertions, with a secret', basic('bank', secret), {}],
])('a code for a client %s is refused', async (_what, authorization, changes) => {
  const { flow, callback } = await newCode()
  const answer = await redeem(flow, callback, changes, { authorization })
  expect([400, 401]).toContain(answer.status)
  expect(answer.body['access_token']).toBeUndefined()
})

test('a refresh token that was used before ends the session on every server', async () => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const first = body['refresh_token'] ?? ''
  const second = await application.refresh(first)
  // Within the grace period, a repeated request gets the same successor: a lost response must not end the session.
  expect((await application.refresh(first)).refresh_token).toBe(second.refresh_token)
  const sid = String(decodeJwt(second.access_token)['sid'])
  const sessions = server.app.mongo.db.collection<{ _id: string }>('sessions')
  const early = new Date(Date.now() - 3_600_000)
  await sessions.updateOne({ _id: sid }, { $set: { 'recent.$[].spentAt': early } })
  await expect(application.refresh(first)).rejects.toMatchObject({ error: 'invalid_grant' })
  await expect.poll(() => isAccepted(second.access_token), { timeout: 2_000 }).toBe(false)
  await expect(application.refresh(second.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('eight refreshes at once at two servers give one successor', async () => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const all = await Promise.all(Array.from({ length: 8 }, () => application.refresh(body['refresh_token'] ?? '')))
  expect(new Set(all.map(({ refresh_token }) => refresh_token)).size).toBe(1)
})

test('the refresh token of an application gives no tokens of the API, and those of the API none to it', async () => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const swapped = await server.post('/v1/auth/refresh', { refresh_token: body['refresh_token'] })
  expect(swapped).toMatchObject({ status: 401, body: { code: 'refresh_invalid' } })
  const login = await server.post('/v1/auth/login', { email, password })
  await expect(application.refresh(String(login.body['refresh_token']))).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  const rival = { ...flow, verifier: '' }
  const stolen = await redeem(
    rival,
    callback,
    { grant_type: 'refresh_token', refresh_token: body['refresh_token'], code: undefined, redirect_uri: undefined },
    { authorization: basic('rival', secret) },
  )
  expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('an earlier version of the server does not find the refresh token of an application', async () => {
  const { flow, callback } = await newCode()
  let token = (await redeem(flow, callback)).body['refresh_token'] ?? ''
  const sessions = server.app.mongo.db.collection<Session>('sessions')
  for (let round = 0; round < 2; round++) {
    const session = await sessions.findOne({ _id: token.split('.')[0] ?? '' })
    if (session === null) throw new Error('the token has no session')
    expect(session.oauth?.clientId).toBe('shop')
    // What that version does.
    expect(decideRefresh(session, hashOf(token), { graceSeconds: 10 }, new Date())).toBe('unknown')
    token = (await application.refresh(token)).refresh_token ?? ''
  }
})

test.each([
  ['disabled', async (id: string) => server.app.users.change(parseUserKey(id), { is_active: false })],
  ['logged out everywhere', async (id: string) => server.app.revocation.revokeUser(id, 'logout_all')],
])('a user who is %s right after the page gets no code', async (_what, end) => {
  const user = await logIn(server)
  const { page, form } = await openPage()
  const resume = await server.app.inject({
    ...form,
    payload: new URLSearchParams({ email: user.email, password }).toString(),
  })
  expect(resume.statusCode).toBe(303)
  await end(String(decodeJwt(user.accessToken).sub))
  const answer = await page.open(String(resume.headers.location))
  expect(answer.url.searchParams.get('error')).toBe('access_denied')
  expect(answer.url.searchParams.get('code')).toBeNull()
  // The browser is not logged in either.
  expect((await page.open((await application.start()).url)).text).toContain('to continue to Shop')
})

/** A page in a browser, and the request that its form would send. */
async function openPage() {
  const page = new Browser(server)
  const { pathname } = (await page.open((await application.start()).url)).url
  const cookie = `__Secure-interaction=${pathname.split('/').at(-1)}`
  const headers = { cookie, origin: issuer, 'content-type': 'application/x-www-form-urlencoded' }
  return { page, form: { method: 'POST', url: `${pathname}/login`, headers } as const }
}

test.each([
  ['GET', '/v1/me'],
  ['GET', '/v1/me/sessions'],
  ['DELETE', '/v1/me'],
  ['POST', '/v1/auth/logout-all'],
  ['POST', '/v1/auth/password/change'],
  ['GET', '/v1/admin/users'],
] as const)('the access token of an application is not accepted by %s %s', async (method, url) => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const payload = method === 'GET' ? {} : { payload: { current_password: password, new_password: 'a much better one' } }
  const headers = { authorization: `Bearer ${body['access_token']}` }
  const answer = await server.app.inject({ method, url, headers, ...payload })
  expect([400, 401]).toContain(answer.statusCode)
  expect(await isAccepted(body['access_token'])).toBe(true)
})

/** The answer to a gateway that asks about the token of an application. */
async function verify(url: string, token: string | undefined) {
  const answer = await other.app.inject({ url, headers: { authorization: `Bearer ${token}` } })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() }
}

test.each([
  ['that asks for no scope', '/v1/auth/verify', undefined],
  ['that asks for a scope it lacks', '/v1/auth/verify?scope=offline_access', 'offline_access'],
  ['that asks for one more than it has', '/v1/auth/verify?scope=openid%20orders', 'openid orders'],
  ['that asks for an empty scope', '/v1/auth/verify?scope=', undefined],
  ['that asks for a part of a scope', '/v1/auth/verify?scope=open', 'open'],
  ['that asks for two lists', '/v1/auth/verify?scope=openid&scope=email', undefined],
  ['that asks for what cannot stand in a header', '/v1/auth/verify?scope=%22%0d%0aa', undefined],
  ['behind a path, whose query its client chooses', '/v1/auth/verify/orders/7?scope=openid', undefined],
])('the access token of an application does not pass a gateway %s', async (_what, url, scope) => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const answer = await verify(url, body['access_token'])
  expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } })
  const challenge = `Bearer realm="auth", error="insufficient_scope"${scope === undefined ? '' : `, scope="${scope}"`}`
  expect(answer.headers['www-authenticate']).toBe(challenge)
  expect(answer.headers['x-auth-user']).toBeUndefined()
})

test('it passes a gateway that asks for its scopes, which learns of them and of the client', async () => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  const answer = await verify('/v1/auth/verify?scope=email%20openid', body['access_token'])
  expect(answer).toMatchObject({ status: 200, body: { client_id: 'shop', scope: 'openid profile email' } })
  expect(answer.headers).toMatchObject({ 'x-auth-client': 'shop', 'x-auth-scope': 'openid profile email' })
})

test('the access token of a login passes with every right of its user', async () => {
  const { accessToken } = await logIn(server)
  for (const url of ['/v1/auth/verify', '/v1/auth/verify?scope=orders', '/v1/auth/verify/orders/7']) {
    const answer = await verify(url, accessToken)
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body)).not.toContain('scope')
    expect(answer.headers).toMatchObject({ 'x-auth-client': 'first-party', 'x-auth-scope': '' })
  }
})

test('an ID token is no access token', async () => {
  const { flow, callback } = await newCode()
  const { body } = await redeem(flow, callback)
  expect(await isAccepted(body['id_token'])).toBe(false)
})

test.each([
  ['a URI that is not registered', { redirect_uri: 'https://evil.example/callback' }],
  ['a longer URI', { redirect_uri: `${redirectUri}/more` }],
  ['a query that is not registered', { redirect_uri: `${redirectUri}?a=b` }],
  ['another case', { redirect_uri: redirectUri.toUpperCase() }],
  ['a path with dots', { redirect_uri: 'https://shop.example.com/a/../callback' }],
  ['the URI of another client', { redirect_uri: 'https://news.example.com/callback' }],
  ['user information', { redirect_uri: 'https://shop.example.com@evil.example/callback' }],
  ['a client that does not exist', { client_id: 'nobody' }],
])('a request with %s is never redirected', async (_what, parameters) => {
  const flow = await application.start(parameters)
  const page = await new Browser(server, other).open(flow.url)
  expect(page.url.origin).toBe(issuer)
  expect(page.status).toBe(400)
  expect(page.text).toContain('This did not work')
  expect(page.text).not.toContain('evil.example')
})

test.each([
  ['without PKCE', { code_challenge: '', code_challenge_method: '' }],
  ['with a plain challenge', { code_challenge_method: 'plain' }],
  ['for a token (implicit)', { response_type: 'token' }],
  ['for an ID token (implicit)', { response_type: 'id_token' }],
  ['for a code and a token (hybrid)', { response_type: 'code id_token token' }],
  ['for a scope that the client may not have', { scope: 'openid offline_access', prompt: 'consent' }],
  ['with a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
  ['with a reference to one', { request_uri: 'https://evil.example/request' }],
])('a request %s is refused', async (_what, parameters) => {
  const flow = await application.start(parameters)
  for (const [name, value] of [...flow.url.searchParams]) if (value === '') flow.url.searchParams.delete(name)
  const page = await new Browser(server, other).open(flow.url)
  expect(page.url.searchParams.get('code')).toBeNull()
  const error = page.url.searchParams.get('error') ?? new URLSearchParams(page.url.hash.slice(1)).get('error')
  expect(error ?? (page.status === 400 ? 'shown' : null)).not.toBeNull()
})

test.each(['password', 'urn:ietf:params:oauth:grant-type:device_code', 'implicit'])(
  'the grant %s does not exist',
  async (grant) => {
    const flow = await application.start()
    const answer = await redeem(flow, new URL(redirectUri), { grant_type: grant, username: email, password })
    expect(answer.status).toBe(400)
    expect(answer.body['access_token']).toBeUndefined()
  },
)

test.each(['/oauth/reg', '/reg', '/oauth/register', '/oauth/request', '/oauth/challenge', '/token'])(
  'there is nothing at %s',
  async (path) => {
    const answer = await server.app.inject({ method: 'POST', url: path, payload: { redirect_uris: [redirectUri] } })
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
  },
)

test.each([
  { host: 'evil.example' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
  { forwarded: 'host=evil.example;proto=http' },
])('a client cannot choose the host of the endpoints: %j', async (headers) => {
  const discovery = await server.app.inject({ url: '/.well-known/openid-configuration', headers })
  expect(discovery.body).not.toContain('evil.example')
  expect(discovery.json()).toMatchObject({ token_endpoint: `${issuer}/oauth/token` })
  const { url } = await application.start()
  const answer = await server.app.inject({ url: url.pathname + url.search, headers })
  expect(answer.headers.location).toMatch(/^https:\/\/auth\.example\.com\/oauth\/interaction\//)
  expect(String(answer.headers['set-cookie'])).toContain('secure')
})

test('two logins in two tabs stay apart, and a page without its cookie is refused', async () => {
  const browser = new Browser(server, other)
  const [first, second] = [await application.start(), await application.start()]
  const [tabOne, tabTwo] = [await browser.open(first.url), await browser.open(second.url)]
  const callbackTwo = await browser.submit(tabTwo, '/login', { email, password })
  expect(callbackTwo.url.searchParams.get('state')).toBe(second.state)
  const thief = new Browser(server, other)
  const stolen = await thief.submit(tabOne, '/login', { email, password })
  expect(stolen.status).toBe(400)
  const own = await thief.open((await application.start()).url)
  // The cookie of its own interaction at the path of another one.
  const uid = own.url.pathname.split('/').at(-1)
  const mixed = await server.app.inject({
    method: 'POST',
    url: `${tabOne.url.pathname}/cancel`,
    headers: {
      cookie: `__Secure-interaction=${uid}`,
      origin: issuer,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: '',
  })
  expect(mixed.statusCode).toBe(400)
  const callbackOne = await browser.submit(tabOne, '/login', { email, password })
  expect(callbackOne.url.searchParams.get('state')).toBe(first.state)
})

test('consent cannot be given on the page of a login, nor a login skipped', async () => {
  const browser = new Browser(server, other)
  const page = await browser.open((await application.start()).url)
  const consent = await browser.open(`${page.url.pathname}/consent`, {})
  expect(consent.status).toBe(400)
  const code = await browser.open(`${page.url.pathname}/code`, { mfa_token: 'A'.repeat(43), code: '123456' })
  expect(code.status).toBe(401)
})

test('the cookie of a browser changes with the login, so that a planted one gives nothing', async () => {
  const flow = await application.start()
  const browser = new Browser(server, other)
  const page = await browser.open(flow.url)
  const before = browser.cookie('__Host-sso')
  await browser.submit(page, '/login', { email, password })
  expect(browser.cookie('__Host-sso')).toMatch(/^[\w-]{40,}$/)
  expect(browser.cookie('__Host-sso')).not.toBe(before)
})

/** @param expiry seconds since 1970, or from now on with a unit */
function assertion(
  key: Parameters<SignJWT['sign']>[0],
  { audience = issuer, expiry = '1m' }: { audience?: string; expiry?: string | number } = {},
): Promise<string> {
  return new SignJWT({ jti: randomBytes(16).toString('hex') })
    .setProtectedHeader({ alg: 'ES256', kid: 'bank' })
    .setIssuer('bank')
    .setSubject('bank')
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(expiry)
    .sign(key)
}

async function push(jwt: string, at: AppForTest): Promise<number> {
  const flow = await application.start({ client_id: 'bank' })
  const answer = await fetchOf(at)(`${issuer}/oauth/par`, {
    method: 'POST',
    body: new URLSearchParams({
      ...Object.fromEntries(flow.url.searchParams),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt,
    }),
  })
  return answer.status
}

test('an assertion that expires in more than an hour is refused, and nothing stays for longer', async () => {
  const stored = server.app.mongo.db.collection<OidcState>('oauth_state')
  const count = () => stored.countDocuments({ kind: 'ReplayDetection' })
  const before = await count()
  for (const expiry of [Date.UTC(9999, 0) / 1_000, 1e300, '2h']) {
    expect(await push(await assertion(withPrivateKey.key, { expiry }), server)).toBe(401)
  }
  expect(await count()).toBe(before)
  expect(await push(await assertion(withPrivateKey.key, { expiry: '59m' }), server)).toBe(201)
  // Whatever the library passes on.
  await server.app.oidc?.current().ReplayDetection.unique('bank', 'of-the-year-9999', Date.UTC(9999, 0) / 1_000)
  const [last] = await stored.find({ kind: 'ReplayDetection' }).sort({ expiresAt: -1 }).toArray()
  expect(await count()).toBe(before + 2)
  expect(last?.expiresAt.getTime()).toBeLessThan(Date.now() + 2 * 3_600_000)
})

test('an assertion of a client counts once on all servers, and only with its key and for this issuer', async () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  expect(await push(await assertion(keys.privateKey), server)).toBe(401)
  expect(await push(await assertion(withPrivateKey.key, { audience: 'https://evil.example' }), server)).toBe(401)
  for (let round = 0; round < 10; round++) {
    const jwt = await assertion(withPrivateKey.key)
    const statuses = await Promise.all([push(jwt, server), push(jwt, other)])
    expect(statuses.sort()).toEqual([201, 401])
  }
})

test('a pushed request is used once', async () => {
  const bank = await withPrivateKey.application(server, other)
  const flow = await bank.startPushed()
  const browser = new Browser(server, other)
  expect((await logInByPage(browser, flow, email)).searchParams.get('code')).not.toBeNull()
  const again = await browser.open(flow.url)
  expect(again.url.searchParams.get('code')).toBeNull()
})

test('the database contains no code, no cookie and no token', async () => {
  const flow = await application.start()
  const browser = new Browser(server, other)
  const callback = await logInByPage(browser, flow, email)
  const { body } = await redeem(flow, callback)
  const { db } = server.app.mongo
  const stored = JSON.stringify([
    await db.collection('oauth_state').find().toArray(),
    await db.collection('sessions').find().toArray(),
  ])
  const secrets = [
    callback.searchParams.get('code'),
    browser.cookie('__Host-sso'),
    body['refresh_token'],
    body['access_token'],
  ]
  for (const each of secrets) {
    expect(each?.length).toBeGreaterThan(20)
    expect(stored).not.toContain(each)
  }
})
