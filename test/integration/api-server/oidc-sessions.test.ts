import { decodeJwt } from 'jose'
import { ObjectId } from 'mongodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { OidcState } from '../../../api-server/plugins/app/oidc/state-adapter.ts'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import { maxSessions, maxUnredeemed } from '../../../api-server/plugins/app/sessions/session-list.ts'
import { type AppForTest, freshDatabase, logIn, startApp } from './app-for-test.ts'
import {
  Application,
  Browser,
  type Flow,
  fetchOf,
  issuer,
  logInByPage,
  oidcFiles,
  redirectUri,
  shop,
} from './oidc-client.ts'

/** Two servers of one deployment, and one with limits that a test reaches. */
let server: AppForTest
let other: AppForTest
let limited: AppForTest
let application: Application
const reader = {
  ...shop,
  id: 'reader',
  redirectUris: ['https://reader.example.com/'],
  grants: ['authorization_code' as const],
  authentication: { method: 'none' as const },
}

beforeAll(async () => {
  const { environment } = await oidcFiles([shop, reader])
  const deployment = { ...environment, DATABASE_NAME: freshDatabase() }
  server = await startApp(deployment)
  other = await startApp(deployment)
  limited = await startApp({ ...environment, RATE_LIMIT_LOGIN: '1/h' })
  application = await Application.of(shop, server, other)
})
afterAll(() => Promise.all([server.close(), other.close(), limited.close()]))

const sessions = () => server.app.mongo.db.collection<Session>('sessions')

/** A user whose browser is logged in at the server. */
async function loggedInBrowser() {
  // A server on a busy machine may take its database for unavailable.
  const user = await vi.waitFor(() => logIn(server), { timeout: 20_000 })
  const browser = new Browser(server, other)
  const first = await application.start()
  await application.redeem(first, await logInByPage(browser, first, user.email))
  const userId = new ObjectId(String(decodeJwt(user.accessToken).sub))
  const authorize = async (of = application): Promise<{ flow: Flow; callback: URL }> => {
    const flow = await of.start({ prompt: 'none' })
    const { url } = await browser.open(flow.url)
    expect(url.searchParams.get('code')).not.toBeNull()
    return { flow, callback: url }
  }
  return { user, userId, authorize }
}

test('authorizations whose codes nobody redeems end no session, and are no sessions of the user', async () => {
  const { user, userId, authorize } = await loggedInBrowser()
  const version = await server.app.revocation.versionOf(userId.toHexString())
  const running = () =>
    sessions().countDocuments({ userId, revokedAt: { $exists: false }, unredeemed: { $exists: false } })
  for (let n = await running(); n < maxSessions; n++) {
    await server.app.sessions.create({ userId, version }, new Date(Date.now() - (n + 1) * 60_000))
  }
  for (let n = 0; n < maxUnredeemed + 5; n++) await authorize()
  const { flow, callback } = await authorize()
  expect(await sessions().countDocuments({ userId, unredeemed: { $exists: true } })).toBe(maxUnredeemed)
  expect(await running()).toBe(maxSessions)
  const before = await server.get('/v1/me/sessions', user.bearer)
  expect(before.body['sessions']).toHaveLength(maxSessions)
  // One that is redeemed is a session, and takes the place of another one.
  const { access_token: token } = await application.redeem(flow, callback)
  const ended = () => sessions().countDocuments({ userId, revokedReason: 'too_many' })
  await expect.poll(ended).toBe(1)
  const { body } = await server.get('/v1/me/sessions', user.bearer)
  const ids = (body['sessions'] as { id: string }[]).map(({ id }) => id)
  expect(ids).toHaveLength(maxSessions)
  expect(ids).toContain(decodeJwt(token)['sid'])
}, 60_000)

test('of too many codes that nobody has redeemed, the oldest one is refused', async () => {
  const { authorize } = await loggedInBrowser()
  const codes = []
  for (let n = 0; n <= maxUnredeemed; n++) codes.push(await authorize())
  const [oldest, second] = codes
  if (oldest === undefined || second === undefined) throw new Error('there are no codes')
  await expect(application.redeem(oldest.flow, oldest.callback)).rejects.toMatchObject({ error: 'invalid_grant' })
  expect((await application.redeem(second.flow, second.callback)).access_token).not.toBe('')
}, 60_000)

test('a session lives as long as its code, and as long as other sessions once it is redeemed', async () => {
  const { authorize, userId } = await loggedInBrowser()
  const { flow, callback } = await authorize()
  const soon = new Date(Date.now() + 120_000)
  const before = await sessions().findOne({ userId, unredeemed: { $exists: true } })
  expect(before?.expiresAt.getTime()).toBeLessThan(soon.getTime())
  expect(before?.idleExpiresAt.getTime()).toBeLessThan(soon.getTime())
  const tokens = await application.redeem(flow, callback)
  const after = await sessions().findOne({ _id: String(decodeJwt(tokens.access_token)['sid']) })
  expect(after).not.toHaveProperty('unredeemed')
  expect(after?.expiresAt).toEqual(before?.unredeemed?.expiresAt)
  expect(after?.idleExpiresAt.getTime()).toBeGreaterThan(soon.getTime())
  expect((await application.refresh(tokens.refresh_token ?? '')).access_token).not.toBe('')
})

test('the session of a client without refresh tokens is forgotten with its access token', async () => {
  const { authorize } = await loggedInBrowser()
  const reads = await Application.of(reader, server, other)
  const { flow, callback } = await authorize(reads)
  const { access_token: token } = await reads.redeem(flow, callback)
  const { sid, exp = 0 } = decodeJwt(token)
  const session = await sessions().findOne({ _id: String(sid) })
  expect(session?.expiresAt.getTime()).toBeLessThan((exp + 60) * 1000)
})

test('a logout between the authorization and the redemption ends the code', async () => {
  const { user, authorize } = await loggedInBrowser()
  const { flow, callback } = await authorize()
  expect((await server.post('/v1/auth/logout-all', {}, user.bearer)).status).toBe(204)
  await expect(application.redeem(flow, callback)).rejects.toMatchObject({ error: 'invalid_grant' })
})

test.each([
  ['logins', () => application.start().then(({ url }) => url.pathname + url.search), redirectUri],
  ['logouts', async () => '/oauth/logout', undefined],
])('one address begins a bounded number of %s', async (_what, urlOf, refusedAt) => {
  const at = `192.0.2.${refusedAt === undefined ? 1 : 2}`
  const begin = async (remoteAddress: string) => limited.app.inject({ url: await urlOf(), remoteAddress })
  const states = () => limited.app.mongo.db.collection<OidcState>('oauth_state').countDocuments()
  for (let n = 0; n < 12; n++) expect((await begin(at)).statusCode).toBeLessThan(400)
  const stored = await states()
  const refused = await begin(at)
  if (refusedAt === undefined) {
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['content-security-policy']).toContain("default-src 'none'")
    expect(refused.body).toContain('This did not work')
  } else {
    const { origin, pathname, searchParams } = new URL(String(refused.headers.location))
    expect(origin + pathname).toBe(refusedAt)
    expect(searchParams.get('error')).toBe('temporarily_unavailable')
  }
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(await states()).toBe(stored)
  expect((await begin('192.0.2.3')).statusCode).toBeLessThan(400)
  expect((await fetchOf(limited)(`${issuer}/.well-known/openid-configuration`)).status).toBe(200)
})

test('one address stores a bounded number of pushed requests of public clients', async () => {
  const reads = await Application.of(reader, limited)
  const push = async (remoteAddress: string) => {
    const { url } = await reads.start()
    return limited.app.inject({
      method: 'POST',
      url: '/oauth/par',
      remoteAddress,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: url.searchParams.toString(),
    })
  }
  const states = () => limited.app.mongo.db.collection<OidcState>('oauth_state').countDocuments()
  for (let n = 0; n < 12; n++) expect((await push('192.0.2.4')).statusCode).toBe(201)
  const stored = await states()
  const refused = await push('192.0.2.4')
  expect(refused.statusCode).toBe(429)
  expect(refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(await states()).toBe(stored)
  expect((await push('192.0.2.5')).statusCode).toBe(201)
})
