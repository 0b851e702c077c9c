import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, logIn, logInAsAdmin, password, tokensOf } from './app-for-test.ts'
import {
  goToProvider,
  logInAt,
  type ProviderDeployment,
  startProviderDeployment,
  startUpstream,
} from './identity-provider-user.ts'
import { Browser, issuer, secret, shop } from './oidc-client.ts'
import { TestProvider } from './test-provider.ts'

/** Another server of ours, as the provider. */
let upstream: AppForTest
/** A provider whose claims a test chooses. */
let provider: TestProvider
let deployment: ProviderDeployment
let server: AppForTest

const downstream: OidcClient = { ...shop, id: 'downstream', redirectUris: [`${issuer}/oauth/callback/upstream`] }

beforeAll(async () => {
  upstream = await startUpstream(downstream)
  provider = await TestProvider.start()
  deployment = await startProviderDeployment([
    {
      id: 'upstream',
      name: 'Upstream & Co',
      issuer: upstream.config.issuer,
      clientId: 'downstream',
      authentication: { method: 'secret', secret },
    },
    provider.entry('corp', { domains: ['corp.example'], passwordLogin: false }),
    provider.entry('links', { users: 'LinkedOnly' }),
    provider.entry('staff', {
      requiredClaims: { hd: ['example.org'] },
      role: { claim: 'groups', admin: ['auth-admins'] },
    }),
  ])
  server = deployment.server
})
afterAll(async () => {
  await deployment?.close()
  await upstream?.close()
  await provider?.stop()
})

let count = 0
const newUser = (more: Record<string, unknown> = {}) => {
  count++
  const email = `user${count}@example.org`
  return { sub: `subject-${count}`, email, email_verified: true, name: `User ${count}`, ...more }
}

async function userOf(email: string) {
  const user = await server.app.mongo.db.collection('users').findOne({ email })
  if (user === null) throw new Error(`${email} has no account`)
  return user
}

/** Logs in at the other server, by its pages. */
async function logInUpstream(url: URL, email: string): Promise<URL> {
  const browser = new Browser(upstream)
  return (await browser.submit(await browser.open(url), '/login', { email, password })).url
}

async function verifyUpstream(email: string): Promise<void> {
  const user = await upstream.app.mongo.db.collection('users').findOne({ email })
  if (user === null) throw new Error(`${email} is unknown`)
  await upstream.app.mongo.transaction((session) =>
    upstream.app.verifiedEmails.add(user._id, email, new Date(), session),
  )
}

test('a user of another server of ours gets an account by the first login, and the same one by the next', async () => {
  const email = 'guest@example.org'
  await logIn(upstream, email)
  await verifyUpstream(email)
  const first = await goToProvider(deployment, 'upstream')
  expect(first.url.searchParams.get('redirect_uri')).toBe(`${issuer}/oauth/callback/upstream`)
  const page = await first.browser.open(await logInUpstream(first.url, email))
  const tokens = await deployment.application.redeem(first.flow, page.url)
  const { sub } = decodeJwt(tokens.access_token)
  const again = await goToProvider(deployment, 'upstream')
  const second = await again.browser.open(await logInUpstream(again.url, email))
  expect(decodeJwt((await deployment.application.redeem(again.flow, second.url)).access_token).sub).toBe(sub)

  const user = await server.app.users.findById(String(sub))
  expect(user).toMatchObject({ email, name: 'Test User', role: 'user', is_active: true })
  expect(user === null ? undefined : await server.app.verifiedEmails.has(user)).toBe(true)
  expect(await server.app.metrics.registry.metrics()).toContain('provider="upstream",result="success"')
})

test('a user without a password cannot log in with one, and the answer is that for an unknown email', async () => {
  const claims = newUser()
  await logInAt(deployment, provider, 'links', claims)
  await logInAt(deployment, provider, 'staff', { ...claims, hd: 'example.org' })
  const answers = await Promise.all(
    [claims.email, 'unknown@example.org'].map((email) => server.post('/v1/auth/login', { email, password })),
  )
  const [known, unknown] = answers.map(({ status, body }) => ({
    status,
    ...body,
    instance: undefined,
    request_id: undefined,
  }))
  expect(known).toEqual(unknown)
  expect(known).toMatchObject({ status: 401, code: 'invalid_credentials' })
})

test('users of a domain are sent to its provider, and passwords are refused', async () => {
  const { application } = deployment
  const browser = new Browser(server, deployment.other)
  const page = await browser.open((await application.start()).url)
  expect(page.text).not.toContain('type="password"')
  expect(page.text).toContain('Continue with Upstream &#38; Co')
  const next = await browser.submit(page, '/email', { email: 'Me@CORP.example' })
  expect(next.status).toBe(200)
  const { url } = await browser.follow(next, '/provider/corp')
  expect(url.origin).toBe(provider.issuer)
  expect(url.searchParams.get('login_hint')).toBe('me@corp.example')

  const others = await browser.submit(page, '/email', { email: 'me@example.org' })
  expect(others.text).toContain('type="password"')
  const refused = await browser.submit(others, '/login', { email: 'me@corp.example', password })
  expect(refused.status).toBe(403)
  expect(refused.text).toContain('Users with this email log in with CORP.')
  const credentials = { email: 'me@corp.example', password, name: 'Me' }
  expect(await server.post('/v1/auth/register', credentials)).toMatchObject({ status: 403 })
  const { name: _, ...login } = credentials
  expect(await server.post('/v1/auth/login', login)).toMatchObject({
    status: 403,
    body: { code: 'provider_login_required' },
  })
})

test('an account with the same email is linked only after a login to it', async () => {
  const claims = newUser()
  await logIn(server, claims.email)
  const { browser, flow, page } = await logInAt(deployment, provider, 'links', claims)
  expect(page.url.origin).toBe(issuer)
  expect(page.text).toContain('Your account at LINKS is not linked')
  const wrong = await browser.submit(page, '/login', { email: claims.email, password: 'wrong horse battery' })
  expect(wrong.status).toBe(401)
  expect(wrong.text).toContain('Link your account')
  const done = await browser.submit(wrong, '/login', { email: claims.email, password })
  const { sub } = decodeJwt((await deployment.application.redeem(flow, done.url)).access_token)
  const again = await logInAt(deployment, provider, 'links', claims)
  const tokens = await deployment.application.redeem(again.flow, again.page.url)
  expect(decodeJwt(tokens.access_token).sub).toBe(sub)
})

test('a user who does not link logs in without a link', async () => {
  const claims = newUser()
  const { browser, flow, page } = await logInAt(deployment, provider, 'links', claims)
  const plain = await browser.submit(page, '/do-not-link')
  await logIn(server, claims.email)
  const form = await browser.submit(plain, '/email', { email: claims.email })
  const done = await browser.submit(form, '/login', { email: claims.email, password })
  await deployment.application.redeem(flow, done.url)
  expect(await server.app.mongo.db.collection('identities').findOne({ subject: claims.sub })).toBeNull()
})

test('a login needs the claims that the settings require, and each login sets the role', async () => {
  await logInAsAdmin(server)
  const claims = newUser({ hd: 'example.org', groups: ['auth-admins', 'all'] })
  const other = await logInAt(deployment, provider, 'staff', { ...claims, hd: 'example.com' })
  expect(other.page).toMatchObject({ status: 403 })
  expect(other.page.text).toContain('Your account at STAFF may not log in here.')
  expect(await server.app.mongo.db.collection('users').findOne({ email: claims.email })).toBeNull()

  const role = async (more: object) => {
    const { flow, page } = await logInAt(deployment, provider, 'staff', { ...claims, ...more })
    const tokens = await deployment.application.redeem(flow, page.url)
    return { token: tokens.access_token, role: decodeJwt(tokens.access_token)['role'] }
  }
  const admin = await role({})
  expect(admin.role).toBe('admin')
  expect((await role({ groups: ['all'] })).role).toBe('user')
  const bearer = { authorization: `Bearer ${admin.token}` }
  await expect.poll(async () => (await server.get('/oauth/userinfo', bearer)).status).toBe(401)
})

test('a user lists the identities, removes one, and keeps the last way to log in', async () => {
  const claims = newUser({ hd: 'example.org' })
  await logInAt(deployment, provider, 'staff', claims)
  const user = await userOf(claims.email)
  const userId = String(user._id)
  // The routes need a token of a login at the API, which a user without a password gets after a reset.
  const { token } = await tokenOf(userId)
  const list = await server.get('/v1/me/identities', token)
  expect(list.body).toMatchObject({ identities: [{ provider: 'staff', name: 'STAFF', email: claims.email }] })
  const id = String((list.body['identities'] as { id: string }[])[0]?.id)
  const url = `/v1/me/identities/${id}`
  expect(await server.delete(url, token)).toMatchObject({ status: 409, body: { code: 'last_login_method' } })

  await server.app.users.change(user._id, { password_hash: await server.app.passwords.hash(password) })
  expect(await server.delete('/v1/me/identities/unknown', token)).toMatchObject({ status: 404 })
  expect(await server.delete(url, token)).toMatchObject({ status: 204 })
  expect(await server.get('/v1/me', token)).toMatchObject({ status: 401 })
  expect(await server.app.identities.ofUser(user._id)).toEqual([])
})

/** Tokens of a new session of a user at the API. */
async function tokenOf(userId: string) {
  const user = await server.app.users.findById(userId)
  if (user === null) throw new Error('there is no such user')
  const hash = user.password_hash
  await server.app.users.change(user._id, { password_hash: await server.app.passwords.hash(password) })
  const { body } = await server.post('/v1/auth/login', { email: user.email, password })
  await server.app.users.change(user._id, { password_hash: hash })
  return { token: tokensOf(body).bearer }
}

test('two requests at once cannot remove the last two identities', async () => {
  const claims = newUser({ hd: 'example.org' })
  await logInAt(deployment, provider, 'staff', claims)
  const user = await userOf(claims.email)
  const identity = { issuer: provider.issuer, subject: `${claims.sub}-2`, isEmailVerified: false, name: '', claims: {} }
  await server.app.mongo.transaction((session) =>
    server.app.identities.add(user._id, { provider: { id: 'links', name: 'LINKS' }, identity }, new Date(), session),
  )
  const { token } = await tokenOf(String(user._id))
  const ids = (await server.app.identities.ofUser(user._id)).map(({ _id }) => _id)
  const servers = [server, deployment.other]
  await Promise.all(ids.map((id, index) => servers[index]?.delete(`/v1/me/identities/${id}`, token)))
  expect(await server.app.identities.ofUser(user._id)).toHaveLength(1)
})

test('a disabled user cannot log in, and the identities of a deleted user are deleted', async () => {
  const admin = await logInAsAdmin(server)
  const claims = newUser({ hd: 'example.org' })
  await logInAt(deployment, provider, 'staff', claims)
  const user = await userOf(claims.email)
  await server.post(`/v1/admin/users/${user._id}/disable`, {}, admin.bearer)
  const { page } = await logInAt(deployment, provider, 'staff', claims)
  expect(page).toMatchObject({ status: 403 })
  expect(page.text).toContain('This account cannot log in.')
  expect(await server.delete(`/v1/admin/users/${user._id}`, admin.bearer)).toMatchObject({ status: 204 })
  expect(await server.app.identities.ofUser(user._id)).toEqual([])
  // An earlier version deletes users without their identities.
  const again = await logInAt(deployment, provider, 'staff', claims)
  await deployment.application.redeem(again.flow, again.page.url)
  const { _id } = await userOf(claims.email)
  await server.app.mongo.db.collection('users').deleteOne({ _id })
  const third = await logInAt(deployment, provider, 'staff', claims)
  await deployment.application.redeem(third.flow, third.page.url)
})

test('two first logins at once create one account', async () => {
  const claims = newUser({ hd: 'example.org' })
  const both = await Promise.all([goToProvider(deployment, 'staff'), goToProvider(deployment, 'staff')])
  const pages = await Promise.all(both.map(({ browser, url }) => browser.open(provider.answer(url, claims))))
  expect(pages.map(({ url }) => url.origin)).toContain('https://shop.example.com')
  expect(await server.app.mongo.db.collection('users').countDocuments({ email: claims.email })).toBe(1)
  expect(await server.app.mongo.db.collection('identities').countDocuments({ subject: claims.sub })).toBe(1)
})
