import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'

const origin = 'https://app.example.com'
let server: AppForTest

beforeAll(async () => {
  server = await startApp({ COOKIE_MODE: 'true', CORS_ORIGINS: origin, CORS_CREDENTIALS: 'true' })
})

afterAll(() => server.close())

/** A browser with a cookie jar. */
class Browser {
  readonly cookies = new Map<string, string>()

  async send(method: 'GET' | 'POST', url: string, headers: Record<string, string> = {}, json?: unknown) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await server.app.inject({
      method,
      url,
      headers: {
        ...headers,
        ...(cookie !== '' && { cookie }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      ...(json !== undefined && { payload: JSON.stringify(json) }),
    })
    for (const { name, value, expires } of answer.cookies) {
      if (expires !== undefined && expires.getTime() <= Date.now()) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return {
      status: answer.statusCode,
      body: answer.body === '' ? {} : answer.json(),
      setCookies: [answer.headers['set-cookie'] ?? []].flat(),
    }
  }

  async logIn() {
    const email = `${crypto.randomUUID()}@example.com`
    await this.send('POST', '/v1/auth/register', {}, { email, password, name: 'Browser' })
    return this.send('POST', '/v1/auth/login', {}, { email, password })
  }
}

test('the refresh token is in a cookie that scripts, other sites and plain HTTP never get, and nowhere else', async () => {
  const { body, setCookies } = await new Browser().logIn()
  expect(body).not.toHaveProperty('refresh_token')
  const cookie = setCookies.find((each) => each.startsWith('__Host-refresh='))?.split('; ') ?? []
  expect(cookie).toEqual(expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict']))
  expect(cookie.some((attribute) => attribute.startsWith('Domain'))).toBe(false)
  expect(setCookies.every((each) => each.includes('HttpOnly') && each.includes('Secure'))).toBe(true)
})

test('a browser stays logged in with its cookie and the CSRF token of its login', async () => {
  const browser = new Browser()
  const { csrf_token } = (await browser.logIn()).body
  for (let refresh = 0; refresh < 3; refresh++) {
    const before = browser.cookies.get('__Host-refresh')
    const { status, body } = await browser.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })
    expect(status).toBe(200)
    expect(Object.keys(body)).toEqual(['access_token', 'token_type', 'expires_in'])
    expect(browser.cookies.get('__Host-refresh')).not.toBe(before)
  }
})

test('a reloaded page requests a CSRF token', async () => {
  const browser = new Browser()
  await browser.logIn()
  const { csrf_token } = (await browser.send('GET', '/v1/auth/csrf')).body
  expect((await browser.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })).status).toBe(200)
})

test('another site cannot refresh, whatever CSRF token it has obtained for itself', async () => {
  const [victim, attacker] = [new Browser(), new Browser()]
  await victim.logIn()
  const { csrf_token } = (await attacker.logIn()).body
  for (const headers of [{}, { 'x-csrf-token': 'made up' }, { 'x-csrf-token': csrf_token }]) {
    const forged = await victim.send('POST', '/v1/auth/refresh', headers as Record<string, string>)
    expect(forged).toMatchObject({ status: 403, body: { code: 'csrf_failed' } })
  }
  const own = await victim.send('GET', '/v1/auth/csrf')
  expect((await victim.send('POST', '/v1/auth/refresh', { 'x-csrf-token': own.body.csrf_token })).status).toBe(200)
})

test('a login does not reuse a CSRF secret of the browser', async () => {
  const browser = new Browser()
  const { csrf_token } = (await browser.send('GET', '/v1/auth/csrf')).body
  await browser.logIn()
  const planted = await browser.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })
  expect(planted).toMatchObject({ status: 403, body: { code: 'csrf_failed' } })
})

test('a login ends the previous session of the same browser, and no other session of the user', async () => {
  const [browser, elsewhere] = [new Browser(), new Browser()]
  const { access_token, user } = (await browser.logIn()).body
  const before = new Map(browser.cookies)
  const again = { email: user.email, password }
  const other = (await elsewhere.send('POST', '/v1/auth/login', {}, again)).body
  expect((await browser.send('POST', '/v1/auth/login', {}, { ...again, password: 'not the password' })).status).toBe(
    401,
  )
  const verify = async (token: string) =>
    (await browser.send('GET', '/v1/auth/verify', { authorization: `Bearer ${token}` })).status
  expect(await verify(access_token)).toBe(200)

  const replaced = (await browser.send('POST', '/v1/auth/login', {}, again)).body
  expect(await verify(access_token)).toBe(401)
  expect(await verify(replaced.access_token)).toBe(200)
  expect(await verify(other.access_token)).toBe(200)
  // A copied cookie is useless.
  const thief = new Browser()
  for (const [name, value] of before) thief.cookies.set(name, value)
  const { csrf_token } = (await thief.send('GET', '/v1/auth/csrf')).body
  const refused = await thief.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })
  expect(refused).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
})

test('a logout removes the cookies, and so does a refresh of a session that has ended', async () => {
  const browser = new Browser()
  const { access_token, csrf_token } = (await browser.logIn()).body
  const stale = new Map(browser.cookies)
  await browser.send('POST', '/v1/auth/logout', { authorization: `Bearer ${access_token}` })
  expect([...browser.cookies.keys()].filter((name) => /refresh|csrf/.test(name))).toEqual([])

  for (const [name, value] of stale) browser.cookies.set(name, value)
  const refused = await browser.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })
  expect(refused).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect(browser.cookies.has('__Host-refresh')).toBe(false)
})

test('without a token a refresh is refused', async () => {
  const browser = new Browser()
  const { csrf_token } = (await browser.send('GET', '/v1/auth/csrf')).body
  const refused = await browser.send('POST', '/v1/auth/refresh', { 'x-csrf-token': csrf_token })
  expect(refused).toMatchObject({ status: 401, body: { code: 'refresh_invalid' } })
})

describe('origins', () => {
  const preflight = (from: string, app = server.app) =>
    app.inject({
      method: 'OPTIONS',
      url: '/v1/auth/login',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    })

  test('a listed origin may send requests with cookies, another origin may not', async () => {
    expect((await preflight(origin)).headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    })
    for (const other of [
      'https://evil.example.com',
      'https://app.example.com.evil.com',
      'http://app.example.com',
      'null',
    ]) {
      expect((await preflight(other)).headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  test('without configuration no origin may send cookies, and the refresh token stays in the body', async () => {
    const plain = await startApp({ CORS_ORIGINS: origin })
    try {
      expect((await preflight(origin, plain.app)).headers).not.toHaveProperty('access-control-allow-credentials')
      expect((await logIn(plain)).refreshToken).toMatch(/\./)
      expect((await plain.get('/v1/auth/csrf')).status).toBe(404)
    } finally {
      await plain.close()
    }
  })
})
