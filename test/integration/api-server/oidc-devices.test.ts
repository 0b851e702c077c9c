import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { OidcState } from '../../../api-server/plugins/app/oidc/state-adapter.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp, tokensOf } from './app-for-test.ts'
import { Browser, fetchOf, issuer, news, oidcFiles, type Page, secret, shop } from './oidc-client.ts'

const grant = 'urn:ietf:params:oauth:grant-type:device_code'
const { redirectUris, postLogoutRedirectUris, ...withoutBrowser } = shop
/** A public client of the owner, and a confidential one. */
const tv: OidcClient = {
  ...withoutBrowser,
  id: 'tv',
  name: 'TV <i>',
  grants: [grant, 'refresh_token'],
  authentication: { method: 'none' },
}
const box: OidcClient = { ...withoutBrowser, id: 'box', grants: [grant, 'refresh_token'] }
/** Of another owner. */
const radio: OidcClient = { ...tv, id: 'radio', name: 'Radio', firstParty: false }

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let email: string

beforeAll(async () => {
  const files = await oidcFiles([shop, tv, box, radio, news])
  const environment = { ...files.environment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
})
beforeEach(async () => {
  email = (await logIn(server)).email
})
afterAll(() => Promise.all([server.close(), other.close()]))

interface Started {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
}

async function post(path: string, parameters: Record<string, string>, authorization?: string) {
  const answer = await fetchOf(server)(`${issuer}${path}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    headers: authorization === undefined ? {} : { authorization },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

async function start(client: OidcClient = tv, scope = 'openid email'): Promise<Started> {
  const { status, body } = await post('/oauth/device_authorization', { client_id: client.id, scope })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as unknown as Started
}

const states = () => server.app.mongo.db.collection<OidcState>('oauth_state')
/** As if the last poll was long ago. */
const pause = () => states().updateMany({ kind: 'DeviceCode' }, { $unset: { polledAt: 1 } })

async function poll({ device_code }: Pick<Started, 'device_code'>, client: OidcClient = tv) {
  await pause()
  return post('/oauth/token', { grant_type: grant, device_code, client_id: client.id })
}

/** Enters a code on the page. */
async function enter(browser: Browser, userCode: string): Promise<Page> {
  return browser.submit(await browser.open('/oauth/device'), '/oauth/device', { user_code: userCode })
}

/** The first of the two forms of the second page confirms, the other one aborts. */
function confirm(browser: Browser, page: Page): Promise<Page> {
  return browser.submit(page, '/oauth/device')
}

async function approve(userCode: string, browser = new Browser(server, other)): Promise<Page> {
  const login = await confirm(browser, await enter(browser, userCode))
  return browser.submit(login, '/login', { email, password })
}

test('a device that asks for no scope that exists learns it, and its user is not asked to log in', async () => {
  const started = await start(radio, 'emails')
  const browser = new Browser(server, other)
  const page = await confirm(browser, await enter(browser, started.user_code))
  expect(page.status).toBe(400)
  expect(await poll(started, radio)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
})

test('a device gets tokens after its user has entered the code, confirmed it and logged in', async () => {
  const started = await start()
  expect(started).toMatchObject({ verification_uri: `${issuer}/oauth/device`, expires_in: 600 })
  expect(started.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  expect(await poll(started)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } })

  const browser = new Browser(server, other)
  // As people type it.
  const asked = await enter(browser, started.user_code.toLowerCase().replace('-', ' '))
  expect(asked.text).toContain('Connect this device?')
  expect(asked.text).toContain(started.user_code)
  expect(asked.text).not.toContain('<i>')
  expect(asked.headers.get('content-security-policy')).toMatch(/default-src 'none'.*form-action 'self'/)
  expect(asked.text).not.toContain('<script')
  expect(await poll(started)).toMatchObject({ body: { error: 'authorization_pending' } })
  const login = await confirm(browser, asked)
  const done = await browser.submit(login, '/login', { email, password })
  expect(done.text).toContain('Your device is connected')

  const { body } = await poll(started)
  const claims = decodeJwt(body['access_token'] ?? '')
  expect(claims).toMatchObject({ client_id: 'tv', scope: 'openid email' })
  expect(decodeJwt(body['id_token'] ?? '')).toMatchObject({ aud: 'tv', sub: claims.sub })
  const refresh = { grant_type: 'refresh_token', refresh_token: body['refresh_token'] ?? '', client_id: 'tv' }
  const refreshed = await post('/oauth/token', refresh)
  expect(decodeJwt(refreshed.body['access_token'] ?? '')).toMatchObject({ sid: claims['sid'] })
  // Once.
  expect(await poll(started)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('the session of a device is one of the user, survives a logout of the browser, and ends from the list', async () => {
  const browser = new Browser(server, other)
  const started = await start()
  await approve(started.user_code, browser)
  const { body } = await poll(started)
  const bearer = { authorization: `Bearer ${body['access_token']}` }
  const page = await browser.open('/oauth/logout')
  await browser.submit(page, '/oauth/logout/confirm', { logout: 'yes' })
  expect(await server.get('/oauth/userinfo', bearer)).toMatchObject({ status: 200, body: { email } })
  const user = tokensOf((await server.post('/v1/auth/login', { email, password })).body)
  const { sessions } = (await server.get('/v1/me/sessions', user.bearer)).body as {
    sessions: { id: string; client?: string }[]
  }
  const ofDevice = sessions.find(({ client }) => client === tv.name)
  expect(await server.delete(`/v1/me/sessions/${ofDevice?.id}`, user.bearer)).toMatchObject({ status: 204 })
  expect(await other.get('/oauth/userinfo', bearer)).toMatchObject({ status: 401 })
})

test('a device that asks too often is told to slow down, on all servers', async () => {
  const { device_code } = await start()
  const ask = async (at: AppForTest) => {
    const body = new URLSearchParams({ grant_type: grant, device_code, client_id: 'tv' })
    const answer = await fetchOf(at)(`${issuer}/oauth/token`, { method: 'POST', body })
    return ((await answer.json()) as { error: string }).error
  }
  const errors = await Promise.all([server, other, server, other].map(ask))
  expect(errors.sort()).toEqual(['authorization_pending', 'slow_down', 'slow_down', 'slow_down'])
})

test.each([
  ['of another client', (code: string) => ({ device_code: code, client_id: 'radio' })],
  ['without its secret', (code: string) => ({ device_code: code.split('.')[0] ?? '', client_id: 'tv' })],
  [
    'with another secret',
    (code: string) => ({ device_code: `${code.split('.')[0]}.${'A'.repeat(43)}`, client_id: 'tv' }),
  ],
  ['that does not exist', () => ({ device_code: 'A'.repeat(43), client_id: 'tv' })],
  ['with a confidential client without its secret', (code: string) => ({ device_code: code, client_id: 'box' })],
  ['with a client that has no such grant', (code: string) => ({ device_code: code, client_id: 'news' })],
])('a device code %s gives nothing', async (_what, parameters) => {
  const started = await start()
  await approve(started.user_code)
  await pause()
  const { status, body } = await post('/oauth/token', { grant_type: grant, ...parameters(started.device_code) })
  expect([400, 401]).toContain(status)
  expect(body['access_token']).toBeUndefined()
})

test('of two polls at once at two servers, at most one gets tokens', async () => {
  const started = await start()
  await approve(started.user_code)
  await pause()
  const polls = [server, other, server, other].map(async (at) => {
    const body = new URLSearchParams({ grant_type: grant, device_code: started.device_code, client_id: 'tv' })
    return (await fetchOf(at)(`${issuer}/oauth/token`, { method: 'POST', body })).status
  })
  expect((await Promise.all(polls)).filter((status) => status === 200)).toHaveLength(1)
})

test('an unknown, a used and an expired code get the same answer, and lead nowhere', async () => {
  const browser = new Browser(server, other)
  const used = await start()
  await approve(used.user_code)
  const expired = await start()
  await states().updateMany({ userCode: expired.user_code.replace('-', '') }, { $set: { expiresAt: new Date(0) } })
  for (const code of ['BCDF-GHJK', used.user_code, expired.user_code, '', '<b>x']) {
    const page = await enter(browser, code)
    expect(page.text).toContain(code === '' ? 'Enter a code' : 'The code is wrong, has expired or was already used')
    expect(page.text).not.toContain('<b>')
    expect(page.text).not.toContain('Connect this device?')
  }
  expect(await poll(expired)).toMatchObject({ status: 400 })
})

test('a user who cancels, at the code or at the login, denies the device', async () => {
  const atCode = await start()
  const browser = new Browser(server, other)
  const asked = await enter(browser, atCode.user_code)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(asked.text)?.[1] ?? ''
  const left = await browser.open('/oauth/device', { xsrf, user_code: atCode.user_code, abort: 'yes' })
  expect(left.text).toContain('The device was not connected.')
  expect(await poll(atCode)).toMatchObject({ status: 400, body: { error: 'access_denied' } })

  const atLogin = await start()
  const login = await confirm(browser, await enter(browser, atLogin.user_code))
  expect((await browser.submit(login, '/cancel')).text).toContain('The device was not connected.')
  expect(await poll(atLogin)).toMatchObject({ status: 400, body: { error: 'access_denied' } })
})

test('another site can neither enter nor confirm a code in the browser of a user', async () => {
  const { user_code } = await start()
  const browser = new Browser(server, other)
  await approve((await start()).user_code, browser)
  for (const form of [
    { user_code },
    { user_code, confirm: 'yes' },
    { user_code, confirm: 'yes', xsrf: 'A'.repeat(48) },
  ]) {
    const page = await browser.open('/oauth/device', form)
    expect(page.text).not.toContain('Your device is connected')
    expect(page.text).not.toContain('Connect this device?')
  }
  // The form of the page of the attacker's own browser.
  const own = await new Browser(server).open('/oauth/device')
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(own.text)?.[1] ?? ''
  const page = await browser.open('/oauth/device', { user_code, confirm: 'yes', xsrf })
  expect(page.text).not.toContain('Your device is connected')
  // A link with the code asks, too.
  const linked = await browser.open(`/oauth/device?user_code=${user_code}`)
  expect(linked.text).not.toContain('Your device is connected')
})

test('a client of another owner needs consent, and a client without the grant gets no code', async () => {
  const started = await start(radio)
  const browser = new Browser(server, other)
  const consent = await approve(started.user_code, browser)
  expect(consent.text).toContain('Radio asks for access')
  expect((await browser.submit(consent, '/consent')).text).toContain('Your device is connected')
  const { body } = await poll(started, radio)
  expect(decodeJwt(body['access_token'] ?? '')).toMatchObject({ client_id: 'radio' })
  await expect(start(shop)).rejects.toThrow('error')
  await expect(start(box)).rejects.toThrow('invalid_client')
  const basic = `Basic ${Buffer.from(`box:${secret}`).toString('base64')}`
  expect(await post('/oauth/device_authorization', { scope: 'openid' }, basic)).toMatchObject({ status: 200 })
})

test('guesses of codes are limited by address', async () => {
  const files = await oidcFiles([tv])
  const limited = await startApp({ ...files.environment, DATABASE_NAME: freshDatabase(), RATE_LIMIT_LOGIN: '3/h' })
  try {
    const guess = () =>
      limited.app.inject({
        method: 'POST',
        url: '/oauth/device',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'user_code=BCDF-GHJK',
      })
    const statuses = []
    for (let count = 0; count < 5; count++) statuses.push((await guess()).statusCode)
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.slice(0, 3)).toEqual([302, 302, 302])
    const refused = await guess()
    expect(refused.headers['content-type']).toContain('text/html')
    expect(refused.body).toContain('This did not work')
  } finally {
    await limited.close()
  }
})

test('a device that exceeds a limit gets JSON', async () => {
  const files = await oidcFiles([tv])
  const limited = await startApp({
    ...files.environment,
    DATABASE_NAME: freshDatabase(),
    RATE_LIMIT_PER_CLIENT: '1/h',
    RATE_LIMIT_BURST: '1',
  })
  try {
    const ask = () =>
      limited.app.inject({
        method: 'POST',
        url: '/oauth/device_authorization',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'client_id=tv&scope=openid',
      })
    const answers = []
    for (let count = 0; count < 4; count++) answers.push(await ask())
    const refused = answers.at(-1)
    expect(refused?.statusCode).toBe(429)
    expect(refused?.headers['content-type']).toContain('application/json')
    expect(refused?.json()).toMatchObject({ error: 'temporarily_unavailable' })
  } finally {
    await limited.close()
  }
})

test('the database contains no device code', async () => {
  const { device_code } = await start()
  const stored = JSON.stringify(await states().find().toArray())
  const [id = '', ofDevice = ''] = device_code.split('.')
  expect(stored).toContain(id)
  expect(ofDevice).toHaveLength(43)
  expect(stored).not.toContain(ofDevice)
  expect((await server.get('/.well-known/openid-configuration')).body).toMatchObject({
    device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
    grant_types_supported: expect.arrayContaining([grant]),
  })
})
