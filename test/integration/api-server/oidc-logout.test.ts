import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { buildEndSessionUrl } from 'openid-client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LogoutNotices } from '../../../api-server/plugins/app/oidc/logout-notices.ts'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { parseUserKey } from '../../../api-server/plugins/app/users/user-key.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'
import { type HttpsReceiver, startHttpsReceiver } from './https-receiver.ts'
import { Application, Browser, issuer, logInByPage, oidcFiles, shop } from './oidc-client.ts'

/** Two servers of one deployment, and the receiver of two clients. */
let server: AppForTest
let other: AppForTest
let receiver: HttpsReceiver
let told: OidcClient
let alsoTold: OidcClient
let environment: Parameters<typeof startApp>[0]

beforeAll(async () => {
  receiver = await startHttpsReceiver()
  told = { ...shop, id: 'told', backchannelLogoutUri: `${receiver.url}/told?a=b` }
  alsoTold = { ...shop, id: 'also-told', backchannelLogoutUri: `${receiver.url}/also` }
  const files = await oidcFiles([shop, told, alsoTold])
  environment = { ...files.environment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
})
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = 200
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await receiver.close()
})

/** A user who is logged in at applications, all in one browser. */
async function loggedIn(...clients: readonly OidcClient[]) {
  const email = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  const browser = new Browser(server, other)
  const sessions = []
  for (const client of clients) {
    const application = await Application.of(client, server, other)
    const flow = await application.start()
    const isFirst = sessions.length === 0
    const callback = isFirst ? await logInByPage(browser, flow, email) : (await browser.open(flow.url)).url
    const tokens = await application.redeem(flow, callback)
    const idToken = tokens.id_token ?? ''
    const { sub = '', sid } = decodeJwt(idToken)
    sessions.push({ application, idToken, accessToken: tokens.access_token, sub, sid: String(sid) })
  }
  const [first] = sessions
  if (first === undefined) throw new Error('log in at one client at least')
  return { email, browser, sessions, ...first }
}

/** The claims of a received logout token, as a client checks them. Back-Channel Logout 1.0 section 2.6. */
async function verify(token: string | undefined, audience: string) {
  const { body } = await other.get('/.well-known/jwks.json')
  const keys = createLocalJWKSet(body as unknown as JSONWebKeySet)
  const rules = { issuer, audience, typ: 'logout+jwt', algorithms: ['RS256'], maxTokenAge: 120 }
  return (await jwtVerify(token ?? '', keys, rules)).payload
}

/** The received notices of these sessions: those of earlier tests may still arrive. */
const noticesOf = (...mine: string[]) =>
  receiver.received
    .map(({ path, form }) => ({ path, form, token: form.get('logout_token') ?? '' }))
    .filter(({ token }) => mine.includes(String(decodeJwt(token)['sid'])))
const sidsOf = (...mine: string[]) => noticesOf(...mine).map(({ token }) => String(decodeJwt(token)['sid']))
const sessionsOf = ({ app }: AppForTest) => app.mongo.db.collection<Session>('sessions')
const noticeOf = async (sid: string) => (await sessionsOf(server).findOne({ _id: sid }))?.oauth?.logoutNotice
/** Attempts of these servers that ended like this. */
async function attemptsThat(outcome: 'retried' | 'failed', ...of: readonly AppForTest[]): Promise<number> {
  const servers = of.length > 0 ? of : [server, other]
  const all = await Promise.all(servers.map(({ app }) => app.metrics.backchannelLogouts.get()))
  const values = all.flatMap((metric) => metric.values).filter(({ labels }) => labels.outcome === outcome)
  return values.reduce((sum, { value }) => sum + value, 0)
}
/** As if the time until the next attempt was over. */
const makeDue = (sid: string) =>
  sessionsOf(server).updateOne(
    { _id: sid, 'oauth.logoutNotice': { $exists: true } },
    { $set: { 'oauth.logoutNotice.dueAt': new Date(0) } },
  )

test('a logout in the browser tells each client of the login once, with a token that it can verify', async () => {
  const user = await loggedIn(told, alsoTold, shop)
  const url = buildEndSessionUrl(user.application.config, { id_token_hint: user.idToken })
  const page = await user.browser.open(url)
  await user.browser.submit(page, '/oauth/logout/confirm', { logout: 'yes' })
  const expected = user.sessions.slice(0, 2).map(({ sid }) => sid)
  await expect.poll(() => sidsOf(...expected).sort()).toEqual([...expected].sort())
  const first = noticesOf(...expected).find(({ path }) => path === '/told?a=b')
  const claims = await verify(first?.token, 'told')
  expect(claims).toEqual({
    iss: issuer,
    aud: 'told',
    sub: user.sub,
    sid: user.sid,
    iat: expect.any(Number),
    exp: (claims.iat ?? 0) + 120,
    jti: expect.any(String),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
  for (const sid of expected) await expect.poll(() => noticeOf(sid)).toBeUndefined()
  expect(sidsOf(...expected)).toHaveLength(2)
  expect([...(first?.form.keys() ?? [])]).toEqual(['logout_token'])
})

test.each([
  [
    'the user, from the list',
    async ({ email, sid }) => {
      const { bearer } = tokensOf((await server.post('/v1/auth/login', { email, password })).body)
      return (await server.delete(`/v1/me/sessions/${sid}`, bearer)).status
    },
  ],
  [
    'a changed password',
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
    'an administrator who deletes the user',
    async ({ sub }) => {
      const { bearer } = await logInAsAdmin(server)
      return (await server.delete(`/v1/admin/users/${sub}`, bearer)).status
    },
  ],
  [
    'a logout everywhere',
    async ({ email }) => {
      const { bearer } = tokensOf((await server.post('/v1/auth/login', { email, password })).body)
      return (await server.post('/v1/auth/logout-all', {}, bearer)).status
    },
  ],
] as [string, (user: Awaited<ReturnType<typeof loggedIn>>) => Promise<number>][])(
  'a session that ends by %s tells its client',
  async (_what, end) => {
    const user = await loggedIn(told)
    expect(await end(user)).toBeLessThan(300)
    await expect.poll(() => sidsOf(user.sid)).toEqual([user.sid])
    expect(await verify(noticesOf(user.sid)[0]?.token, 'told')).toMatchObject({ sub: user.sub })
  },
)

test('a session that goes on tells nothing, and a token is good for nothing else', async () => {
  const staying = await loggedIn(told)
  const user = await loggedIn(told)
  await server.app.revocation.revokeSession(user.sid, 'admin')
  await expect.poll(() => sidsOf(user.sid)).toEqual([user.sid])
  expect(await noticeOf(staying.sid)).toMatchObject({ attempts: 0 })
  const token = noticesOf(user.sid)[0]?.token
  for (const path of ['/v1/auth/verify', '/v1/me', '/oauth/userinfo']) {
    expect(await server.get(path, { authorization: `Bearer ${token}` })).toMatchObject({ status: 401 })
  }
})

test('a receiver that fails gets the notice again, with another token, until it accepts it', async () => {
  receiver.answer = 503
  const before = await attemptsThat('retried')
  const user = await loggedIn(told)
  await server.app.revocation.revokeSession(user.sid, 'admin')
  await expect.poll(() => attemptsThat('retried')).toBeGreaterThan(before)
  receiver.answer = 204
  await makeDue(user.sid)
  await expect.poll(() => noticeOf(user.sid)).toBeUndefined()
  const tokens = noticesOf(user.sid).map(({ token }) => decodeJwt(token).jti)
  expect(tokens.length).toBeGreaterThanOrEqual(2)
  expect(new Set(tokens).size).toBe(tokens.length)
})

test('the attempts end, and are counted', async () => {
  receiver.answer = 500
  const [retried, failed] = [await attemptsThat('retried'), await attemptsThat('failed')]
  const user = await loggedIn(told)
  await server.app.revocation.revokeSession(user.sid, 'admin')
  for (let attempts = 1; attempts <= 5; attempts++) {
    // Its report, so that no server has the notice now.
    await expect.poll(() => attemptsThat('retried')).toBe(retried + attempts)
    await makeDue(user.sid)
  }
  await expect.poll(() => attemptsThat('failed')).toBe(failed + 1)
  expect(await noticeOf(user.sid)).toBeUndefined()
  expect(sidsOf(user.sid)).toHaveLength(6)
})

test('redirects are not followed, and a receiver that hangs delays neither a logout nor another client', async () => {
  const elsewhere = await startHttpsReceiver()
  try {
    receiver.answer = 307
    receiver.location = `${elsewhere.url}/elsewhere`
    const user = await loggedIn(told)
    await server.app.revocation.revokeSession(user.sid, 'admin')
    await expect.poll(() => sidsOf(user.sid)).toContain(user.sid)

    receiver.received.length = 0
    receiver.answer = 'hang'
    const hanging = await Promise.all(Array.from({ length: 6 }, () => loggedIn(told)))
    await Promise.all(hanging.map(({ sid }) => server.app.revocation.revokeSession(sid, 'admin')))
    await expect.poll(() => sidsOf(...hanging.map(({ sid }) => sid)).length).toBeGreaterThan(0)
    receiver.answer = 200
    const quick = await loggedIn(alsoTold)
    await server.app.revocation.revokeSession(quick.sid, 'admin')
    await expect.poll(() => noticeOf(quick.sid)).toBeUndefined()
    expect(elsewhere.received).toEqual([])
  } finally {
    await elsewhere.close()
  }
})

test('a notice that a server had when it stopped is sent by another one', async () => {
  const user = await loggedIn(told)
  await Promise.all([server.close(), other.close()])
  const stopping = await startApp(environment)
  receiver.answer = 'hang'
  await stopping.app.revocation.revokeSession(user.sid, 'admin')
  await expect.poll(() => sidsOf(user.sid)).toContain(user.sid)
  await stopping.close()
  server = await startApp(environment)
  other = await startApp(environment)
  receiver.answer = 200
  expect(await noticeOf(user.sid)).toBeDefined()
  await makeDue(user.sid)
  await expect.poll(() => noticeOf(user.sid)).toBeUndefined()
  expect(sidsOf(user.sid).length).toBeGreaterThanOrEqual(2)
})

test('two servers that look at once send one notice', async () => {
  const users = await Promise.all(Array.from({ length: 10 }, () => loggedIn(told)))
  await Promise.all(users.map(({ sid }) => server.app.revocation.revokeSession(sid, 'admin')))
  for (const { sid } of users) await expect.poll(() => noticeOf(sid)).toBeUndefined()
  const all = users.map(({ sid }) => sid)
  expect(sidsOf(...all).sort()).toEqual(all.sort())
})

test('receivers that hang leave half of the requests of a server to other clients', async () => {
  const template = (await loggedIn(told)).sid
  const hanging = await startHttpsReceiver()
  hanging.answer = 'hang'
  const clients = Array.from({ length: 5 }, (_, index) => ({
    ...told,
    id: `hangs-${index}`,
    backchannelLogoutUri: `${hanging.url}/${index}`,
  }))
  const files = await oidcFiles([told, ...clients])
  const alone = await startApp({ ...files.environment, DATABASE_NAME: freshDatabase() })
  try {
    const session = await sessionsOf(server).findOne({ _id: template })
    if (session?.oauth === undefined) throw new Error('the client has no session')
    const { oauth, ...others } = session
    const ended = (_id: string, clientId: string): Session => ({
      ...others,
      _id,
      revokedAt: new Date(),
      oauth: { ...oauth, clientId, logoutNotice: { attempts: 0, dueAt: new Date() } },
    })
    const sessions = sessionsOf(alone)
    await sessions.insertMany(clients.flatMap(({ id }) => ['a', 'b'].map((each) => ended(`${id}-${each}`, id))))
    // Nothing is known of a client before its first attempt has failed.
    const tried = async () => ({ all: (await attemptsThat('retried', alone)) >= 10, open: hanging.open.now })
    await expect.poll(tried, { timeout: 60_000 }).toEqual({ all: true, open: 0 })
    hanging.open.most = 0
    await sessions.updateMany({}, { $set: { 'oauth.logoutNotice.dueAt': new Date(0) } })
    await expect.poll(() => hanging.open.now).toBeGreaterThan(0)
    await sessions.insertOne(ended('of-another', 'told'))
    await expect.poll(() => sidsOf('of-another')).toEqual(['of-another'])
    expect(hanging.open.most).toBeLessThanOrEqual(5)
  } finally {
    await alone.close()
    await hanging.close()
  }
})

test('a client is not told of a session whose code it has never redeemed', async () => {
  const { browser, sub } = await loggedIn(shop)
  const { url } = await browser.open((await (await Application.of(told, server, other)).start()).url)
  expect(url.searchParams.get('code')).not.toBeNull()
  const unredeemed = await sessionsOf(server).findOne({ userId: parseUserKey(sub), unredeemed: { $exists: true } })
  const sid = unredeemed?._id ?? ''
  expect(await noticeOf(sid)).toBeDefined()
  await server.app.revocation.revokeSession(sid, 'admin')
  await expect.poll(() => noticeOf(sid)).toBeUndefined()
  expect(sidsOf(sid)).toEqual([])
})

test('a server takes the notice that is due for longest, and reads no session besides', async () => {
  const quiet = await startApp()
  try {
    const now = new Date()
    const before = (seconds: number) => new Date(now.getTime() - seconds * 1_000)
    const template = await sessionsOf(server).findOne({ oauth: { $exists: true } })
    if (template?.oauth === undefined) throw new Error('no client has a session')
    const { revokedAt, unredeemed, oauth, ...others } = template
    const ended = (_id: string, clientId: string, dueAt: Date, endedAt: Date | undefined = before(900)): Session => ({
      ...others,
      _id,
      oauth: { ...oauth, clientId, logoutNotice: { attempts: 0, dueAt } },
      ...(endedAt !== undefined && { revokedAt: endedAt }),
    })
    const many = Array.from({ length: 200 }, (_, index) => index)
    const sessions = sessionsOf(quiet)
    await sessions.insertMany([
      ...many.map((index) => ended(`busy-${index}`, 'busy', before(600))),
      ...many.map((index) => ended(`later-${index}`, 'told', before(-600))),
      ...many.map((index) => ({
        ...others,
        _id: `goes-on-${index}`,
        oauth: ended('', 'told', before(600)).oauth ?? oauth,
      })),
      ended('second', 'told', before(100), before(800)),
      ended('first', 'told', before(200), before(700)),
    ])
    const { db } = quiet.app.mongo
    await db.command({ profile: 2 })
    const notice = await new LogoutNotices(sessions).claim(['busy'], now)
    await db.command({ profile: 0 })
    expect(notice).toMatchObject({ sessionId: 'first', attempts: 1 })
    const claims = db.collection('system.profile').find({ 'command.findAndModify': 'sessions' })
    expect(await claims.toArray()).toMatchObject([{ docsExamined: 1, nModified: 1 }])
  } finally {
    await quiet.close()
  }
})

test('discovery names it', async () => {
  await logIn(server)
  expect((await server.get('/.well-known/openid-configuration')).body).toMatchObject({
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
})
