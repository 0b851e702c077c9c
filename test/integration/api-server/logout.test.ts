import { Readable } from 'node:stream'
import type { InjectOptions } from 'fastify'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
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

/** Logouts with any credentials that a client still has, and requests with an empty JSON body. */
let server: AppForTest
let withCookies: AppForTest

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  server = await startApp({ DATABASE_NAME, RATE_LIMIT_ADMIN: '100000/s' })
  withCookies = await startApp({ DATABASE_NAME, COOKIE_MODE: 'true' })
})
afterAll(() => Promise.all([server.close(), withCookies.close()]))

/** The same token, issued an hour earlier. */
async function expired({ accessToken }: Pick<LoggedIn, 'accessToken'>): Promise<LoggedIn['bearer']> {
  const key = server.app.tokens.keys.signer(new Date())
  if (key === undefined) throw new Error('there is no key')
  const { iat, exp, ...claims } = await server.app.tokens.verifyAccessToken(accessToken)
  const hourAgo = iat - 3_600
  const times = { iat: hourAgo, exp: hourAgo + 60, ...('nbf' in claims && { nbf: hourAgo }) }
  const token = await new SignJWT({ ...claims, ...times })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
    .sign(Buffer.from(key.signing))
  return { authorization: `Bearer ${token}` }
}

const refresh = (token: string) => server.post('/v1/auth/refresh', { refresh_token: token })

describe('a logout', () => {
  test('ends the session by its refresh token, when the access token has expired or is missing', async () => {
    for (const hasAccessToken of [true, false]) {
      const user = await logIn(server)
      const headers = hasAccessToken ? await expired(user) : {}
      const answer = await server.post('/v1/auth/logout', { refresh_token: user.refreshToken }, headers)
      expect(answer.status).toBe(204)
      expect((await refresh(user.refreshToken)).body).toMatchObject({ code: 'session_revoked' })
      expect((await server.get('/v1/auth/verify', user.bearer)).status).toBe(401)
    }
  })

  test('by a used refresh token ends the session too, and may be repeated', async () => {
    const user = await logIn(server)
    const next = tokensOf((await refresh(user.refreshToken)).body)
    for (let time = 0; time < 2; time++) {
      expect((await server.post('/v1/auth/logout', { refresh_token: user.refreshToken })).status).toBe(204)
    }
    expect((await refresh(next.refreshToken)).body).toMatchObject({ code: 'session_revoked' })
  })

  test('that is repeated records one event', async () => {
    const user = await logIn(server)
    const { sid: sessionId } = await server.app.tokens.verifyAccessToken(user.accessToken)
    for (let time = 0; time < 5; time++) {
      expect((await server.post('/v1/auth/logout', { refresh_token: user.refreshToken })).status).toBe(204)
    }
    await server.app.securityEventStore.flush()
    const events = server.app.mongo.db.collection('security_events', { readConcern: { level: 'local' } })
    expect(await events.countDocuments({ event: 'authn_token_revoked', sessionId })).toBe(1)
  })

  test('with tokens of two sessions ends both', async () => {
    const one = await logIn(server)
    const two = await logIn(server, one.email)
    expect((await server.post('/v1/auth/logout', { refresh_token: two.refreshToken }, one.bearer)).status).toBe(204)
    for (const { refreshToken } of [one, two]) expect((await refresh(refreshToken)).status).toBe(401)
  })

  test('without a known token is refused', async () => {
    const user = await logIn(server)
    const madeUp = `${user.refreshToken.slice(0, 37)}${'A'.repeat(43)}`
    expect(await server.post('/v1/auth/logout', { refresh_token: madeUp })).toMatchObject({
      status: 401,
      body: { code: 'refresh_invalid' },
    })
    expect((await server.post('/v1/auth/logout', {}, await expired(user))).body).toMatchObject({
      code: 'token_expired',
    })
    expect((await server.post('/v1/auth/logout', {})).body).toMatchObject({ code: 'token_missing' })
    expect((await refresh(user.refreshToken)).status).toBe(200)
  })

  /** The credentials of a browser after a login in cookie mode. */
  async function browser() {
    const { email } = await logIn(server)
    const answer = await withCookies.post('/v1/auth/login', { email, password })
    expect(answer.status).toBe(200)
    const cookies = [answer.headers['set-cookie'] ?? []].flat().map((each) => String(each).split(';')[0] ?? '')
    return { cookie: cookies.join('; '), csrfToken: String(answer.body['csrf_token']), ...tokensOf(answer.body) }
  }

  test('by the cookie ends the session and removes the cookie, when the access token has expired', async () => {
    for (const by of ['an expired access token', 'a CSRF token'] as const) {
      const user = await browser()
      const proof = by === 'a CSRF token' ? { 'x-csrf-token': user.csrfToken } : await expired(user)
      const answer = await withCookies.post('/v1/auth/logout', {}, { cookie: user.cookie, ...proof })
      expect(answer.status, by).toBe(204)
      expect(String(answer.headers['set-cookie'])).toMatch(/__Host-refresh=;.*Expires=Thu, 01 Jan 1970/)
      expect((await withCookies.get('/v1/auth/verify', user.bearer)).status).toBe(401)
    }
  })

  test('that fails leaves the cookie, so that the browser can retry', async () => {
    const user = await browser()
    const revoke = vi
      .spyOn(withCookies.app.revocation, 'revokeSession')
      .mockRejectedValueOnce(new Error('of this test'))
    onTestFinished(() => revoke.mockRestore())
    const headers = { cookie: user.cookie, 'x-csrf-token': user.csrfToken }
    const failed = await withCookies.post('/v1/auth/logout', {}, headers)
    expect({ status: failed.status, cookies: failed.headers['set-cookie'] }).toEqual({
      status: 500,
      cookies: undefined,
    })
    const again = await withCookies.post('/v1/auth/logout', {}, headers)
    expect(again.status).toBe(204)
    expect(String(again.headers['set-cookie'])).toMatch(/__Host-refresh=;/)
  })

  test('that another site forges ends no session', async () => {
    const user = await browser()
    const forged = await withCookies.post('/v1/auth/logout', {}, { cookie: user.cookie })
    expect(forged).toMatchObject({ status: 403, body: { code: 'csrf_failed' } })
    expect(forged.headers['set-cookie']).toBeUndefined()
    expect((await withCookies.get('/v1/auth/verify', user.bearer)).status).toBe(200)
  })
})

test('a JSON content type without a body counts as no body where none is required', async () => {
  const user = await logIn(server)
  const admin = await logInAsAdmin(server)
  const { sub, sid } = await server.app.tokens.verifyAccessToken(user.accessToken)
  const requests: [AppForTest, InjectOptions, Record<string, string>][] = [
    [server, { method: 'POST', url: `/v1/admin/users/${sub}/unlock` }, admin.bearer],
    [server, { method: 'DELETE', url: '/v1/me/pending-email' }, user.bearer],
    [server, { method: 'DELETE', url: `/v1/me/sessions/${sid}` }, user.bearer],
    [server, { method: 'POST', url: '/v1/auth/logout' }, (await logIn(server)).bearer],
    [server, { method: 'POST', url: '/v1/auth/logout-all' }, (await logIn(server)).bearer],
  ]
  for (const [at, options, headers] of requests) {
    const answer = await at.app.inject({ ...options, headers: { 'content-type': 'application/json', ...headers } })
    expect(answer.statusCode, `${options.method} ${options.url}: ${answer.body}`).toBe(204)
  }
  const login = await withCookies.post('/v1/auth/login', { email: (await logIn(server)).email, password })
  const cookies = [login.headers['set-cookie'] ?? []].flat().map((each) => String(each).split(';')[0])
  const refreshed = await withCookies.app.inject({
    method: 'POST',
    url: '/v1/auth/refresh',
    headers: {
      'content-type': 'application/json',
      cookie: cookies.join('; '),
      'x-csrf-token': String(login.body['csrf_token']),
    },
  })
  expect(refreshed.statusCode, refreshed.body).toBe(200)
  const missing = await server.app.inject({
    method: 'POST',
    url: '/v1/auth/login',
    headers: { 'content-type': 'application/json' },
  })
  expect([missing.statusCode, missing.json().code]).toEqual([400, 'validation_failed'])
})

test('an administrator who is demoted while a request of theirs is sent does nothing with it', async () => {
  const [admin, former, user] = [await logInAsAdmin(server), await logInAsAdmin(server), await logIn(server)]
  const { sub: formerId } = await server.app.tokens.verifyAccessToken(former.accessToken)
  const { sub: userId } = await server.app.tokens.verifyAccessToken(user.accessToken)
  async function* slowly() {
    yield '{"role":'
    const demoted = await server.patch(`/v1/admin/users/${formerId}`, { role: 'user' }, admin.bearer)
    expect(demoted.status).toBe(200)
    yield '"admin"}'
  }
  const answer = await server.app.inject({
    method: 'PATCH',
    url: `/v1/admin/users/${userId}`,
    headers: { 'content-type': 'application/json', ...former.bearer },
    payload: Readable.from(slowly()),
  })
  expect([answer.statusCode, answer.json().code]).toEqual([401, 'session_revoked'])
  expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ role: 'user' })
})

test('with a grace of one second, a used refresh token ends the session after one second', async () => {
  const strict = await startApp({ REFRESH_TOKEN_GRACE: '1s' })
  onTestFinished(() => strict.close())
  const again = (token: string) => strict.post('/v1/auth/refresh', { refresh_token: token })
  const { refreshToken } = await logIn(strict)
  const next = tokensOf((await again(refreshToken)).body)
  // The database's clock counts, so the test moves the stored time.
  await strict.app.mongo.db.collection('sessions').updateMany({}, [
    {
      $set: {
        recent: {
          $map: {
            input: '$recent',
            in: {
              $mergeObjects: [
                '$$this',
                { spentAt: { $dateSubtract: { startDate: '$$this.spentAt', unit: 'second', amount: 2 } } },
              ],
            },
          },
        },
      },
    },
  ])
  expect((await again(refreshToken)).body).toMatchObject({ code: 'refresh_reused' })
  expect((await again(next.refreshToken)).body).toMatchObject({ code: 'session_revoked' })
  await expect(startApp({ REFRESH_TOKEN_GRACE: '61s' })).rejects.toThrow('REFRESH_TOKEN_GRACE exceeds 60s')
})
