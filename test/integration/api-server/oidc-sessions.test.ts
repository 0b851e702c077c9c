import { decodeJwt } from 'jose'
import { type Document, ObjectId } from 'mongodb'
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

test('a refresh reads each document once before it uses its token, and the user once more after that', async () => {
  const { authorize, userId } = await loggedInBrowser()
  const { flow, callback } = await authorize()
  const tokens = await application.redeem(flow, callback)
  const ids = new Set([decodeJwt(tokens.access_token)['sid'], userId.toHexString(), `user:${userId.toHexString()}`])
  const commands: string[] = []
  const note = ({ commandName, command }: { commandName: string; command: Document }) => {
    const filter = command['filter'] ?? command['pipeline']?.[0]?.$match ?? command['updates']?.[0]?.q
    const id = filter?._id?.$eq ?? filter?._id
    if (ids.has(String(id))) commands.push(`${commandName} ${command[commandName]}`)
  }
  const clients = [server, other].map(({ app }) => app.mongo.client)
  for (const client of clients) client.on('commandStarted', note)
  await application
    .refresh(tokens.refresh_token ?? '')
    .finally(() => clients.forEach((client) => void client.off('commandStarted', note)))
  const [before, after] = [commands.indexOf('update sessions'), commands.indexOf('find verified_emails')]
  expect(commands.slice(0, before).sort()).toEqual(['aggregate sessions', 'find revocations', 'find users'])
  expect(commands.slice(before + 1, after).sort()).toEqual(['find revocations', 'find users'])
  expect(commands.slice(after)).toEqual(['find verified_emails'])
})

test.each([
  ['the session before its token is used', 'before', 'session'],
  ['the session after that', 'after', 'session'],
  ['all sessions of the user before that', 'before', 'user'],
  ['all sessions of the user after that', 'after', 'user'],
] as const)('a refresh during which a revocation ends %s gives no token that is accepted', async (_what, when, of) => {
  const { authorize, userId } = await loggedInBrowser()
  const { flow, callback } = await authorize()
  const tokens = await application.redeem(flow, callback)
  const sid = String(decodeJwt(tokens.access_token)['sid'])
  const { sessions: store, revocation } = server.app
  const revoke = () =>
    of === 'session'
      ? revocation.revokeSession(sid, 'session_deleted')
      : revocation.revokeUser(userId.toHexString(), 'logout_all')
  const refresh = store.refresh.bind(store)
  using use = vi.spyOn(store, 'refresh').mockImplementation(async (...presented) => {
    if (when === 'before') await revoke()
    const result = await refresh(...presented)
    if (when === 'after') await revoke()
    return result
  })
  const alone = await Application.of(shop, server)
  const outcome = await alone.refresh(tokens.refresh_token ?? '').catch((error: unknown) => ({ error }))
  expect(use).toHaveBeenCalledOnce()
  const token = 'access_token' in outcome ? outcome.access_token : tokens.access_token
  const { status } = await server.get('/oauth/userinfo', { authorization: `Bearer ${token}` })
  expect(status).toBe(401)
  const isSeen = when === 'before' || of === 'user'
  expect(Reflect.get(outcome, 'error')).toEqual(
    isSeen ? expect.objectContaining({ error: 'invalid_grant' }) : undefined,
  )
})

test('what is read of a session does not grow with its used refresh tokens', async () => {
  const { authorize } = await loggedInBrowser()
  const { flow, callback } = await authorize()
  const tokens = await application.redeem(flow, callback)
  const { access_token: token } = await application.refresh(tokens.refresh_token ?? '')
  const sid = String(decodeJwt(token)['sid'])
  expect((await sessions().findOne({ _id: sid }))?.recent).toHaveLength(1)
  const read = await server.app.sessions.findUnended(sid, new Date())
  expect(read).toMatchObject({ _id: sid, oauth: { clientId: shop.id } })
  expect(read).not.toHaveProperty('recent')
  expect(read).not.toHaveProperty('spent')
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
