import { decodeJwt } from 'jose'
import { authorizationCodeGrant, clientCredentialsGrant, fetchUserInfo, tokenIntrospection } from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp } from './app-for-test.ts'
import { Application, Browser, logInByPage, news, type OidcFiles, oidcFiles, shop } from './oidc-client.ts'
import { codeOf, enrol, mfaEnvironment } from './second-factor.ts'

const orders = 'https://orders.example.com'
const resources = [{ uri: orders, scopes: ['orders:read'], userClaims: ['roles', 'department'] }]
/** Of the owner of the server. */
const desk: OidcClient = {
  ...shop,
  id: 'desk',
  resources,
  userClaims: ['roles', 'groups', 'department'],
  claims: { tenant: 'acme' },
}
/** Of another owner. */
const guest: OidcClient = { ...news, id: 'guest', userClaims: ['department'] }
/** May have no scope but openid. */
const narrow: OidcClient = { ...shop, id: 'narrow', scopes: ['openid'] }
const { redirectUris, postLogoutRedirectUris, scopes, ...confidential } = shop
const job: OidcClient = {
  ...confidential,
  id: 'job',
  grants: ['client_credentials'],
  resources: [{ uri: orders, scopes: ['orders:read'] }],
  claims: { tenant: 'acme', stage: 'test' },
}
const all = [shop, desk, guest, narrow, job]
const claimsOfUser = { roles: ['orders.approver'], claims: { department: 'sales', groups: ['a', 'b'], secret: 'x' } }

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let files: OidcFiles
let admin: { authorization: string }

beforeAll(async () => {
  files = await oidcFiles(all)
  const environment = { ...files.environment, ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
  server = await startApp(environment)
  other = await startApp(environment)
  admin = (await logInAsAdmin(server)).bearer
})
afterAll(() => Promise.all([server.close(), other.close()]))

async function newUser(change: object = claimsOfUser): Promise<{ email: string; id: string }> {
  const { email, accessToken } = await logIn(server)
  const id = decodeJwt(accessToken).sub ?? ''
  expect(await server.patch(`/v1/admin/users/${id}/claims`, change, admin)).toMatchObject({ status: 200 })
  return { email, id }
}

/** Logs a user in at a client. */
async function tokensOf(client: OidcClient, email: string, parameters: Record<string, string> = {}) {
  const application = await Application.of(client, server, other)
  const flow = await application.start({ scope: 'openid', ...parameters })
  const tokens = await application.redeem(flow, await logInByPage(new Browser(server, other), flow, email))
  const { sub } = tokens.claims() ?? {}
  const userinfo = await fetchUserInfo(application.config, tokens.access_token, sub ?? '')
  return { application, tokens, userinfo, idToken: tokens.claims() }
}

test('a client of the same owner gets the claims of its configuration, and none of the others', async () => {
  const { email } = await newUser()
  const { idToken, userinfo, tokens } = await tokensOf(desk, email)
  const ofUser = { roles: ['orders.approver'], groups: ['a', 'b'], department: 'sales' }
  expect(idToken).toMatchObject({ ...ofUser, tenant: 'acme', aud: 'desk' })
  expect(userinfo).toMatchObject(ofUser)
  for (const each of [idToken, userinfo]) expect(each).not.toHaveProperty('secret')
  expect(userinfo).not.toHaveProperty('tenant')
  expect(decodeJwt(tokens.access_token)).not.toHaveProperty('roles')

  const plain = await tokensOf(shop, email)
  for (const name of [...Object.keys(ofUser), 'tenant']) {
    expect(plain.idToken).not.toHaveProperty(name)
    expect(plain.userinfo).not.toHaveProperty(name)
  }
})

test('a refresh brings the claims of now', async () => {
  const { email, id } = await newUser()
  const { application, tokens } = await tokensOf(desk, email)
  await server.patch(`/v1/admin/users/${id}/claims`, { roles: ['auditor'], claims: {} }, admin)
  const refreshed = await application.refresh(tokens.refresh_token ?? '')
  expect(refreshed.claims()).toMatchObject({ roles: ['auditor'], tenant: 'acme' })
  expect(refreshed.claims()).not.toHaveProperty('department')
  expect(await fetchUserInfo(application.config, refreshed.access_token, id)).toMatchObject({ roles: ['auditor'] })
})

test('a token for an API carries what the API needs, and introspection tells it', async () => {
  const { email } = await newUser()
  const application = await Application.of(desk, server, other)
  const flow = await application.start({ scope: 'openid orders:read', resource: orders })
  const callback = await logInByPage(new Browser(server, other), flow, email)
  const checks = { pkceCodeVerifier: flow.verifier, expectedState: flow.state, expectedNonce: flow.nonce }
  const { access_token: token } = await authorizationCodeGrant(application.config, callback, checks, {
    resource: orders,
  })
  const carried = { roles: ['orders.approver'], department: 'sales', role: 'user' }
  expect(decodeJwt(token)).toMatchObject({ ...carried, aud: orders })
  expect(decodeJwt(token)).not.toHaveProperty('groups')
  expect(await tokenIntrospection(application.config, token)).toMatchObject({ ...carried, active: true })
})

test('the token of a client for itself carries its own claims, and nothing takes it for that of a user', async () => {
  const { config } = await Application.of(job, server, other)
  const { access_token: token } = await clientCredentialsGrant(config, {})
  expect(decodeJwt(token)).toMatchObject({ sub: 'job', client_id: 'job', tenant: 'acme', stage: 'test' })
  expect(await tokenIntrospection(config, token)).toMatchObject({ active: true, tenant: 'acme', sub: 'job' })
  for (const path of ['/v1/auth/verify', '/v1/me', '/oauth/userinfo']) {
    expect(await server.get(path, { authorization: `Bearer ${token}` })).toMatchObject({ status: 401 })
  }
})

test('a user agrees to custom claims that a client of another owner gets, by their names', async () => {
  const { email } = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(guest, server, other)
  const flow = await application.start({ scope: 'openid' })
  const consent = await browser.submit(await browser.open(flow.url), '/login', { email, password })
  expect(consent.text).toContain('see these details about you: department')
  const callback = await browser.submit(consent, '/consent')
  expect((await application.redeem(flow, callback.url)).claims()).toMatchObject({ department: 'sales' })
  const again = await application.start({ scope: 'openid' })
  expect((await browser.open(again.url)).url.origin).toBe('https://news.example.com')

  // The file gives the client one more, which the user is asked for.
  const more = { ...guest, userClaims: ['department', 'constructor', 'roles'] }
  await files.replaceClients([...all.filter(({ id }) => id !== 'guest'), more])
  try {
    await expect
      .poll(async () => (await browser.open((await application.start({ scope: 'openid' })).url)).text, {
        timeout: 15_000,
      })
      .toContain('department, constructor, roles')
  } finally {
    await files.replaceClients(all)
  }
})

test('a session that began before a claim was in the file of clients does not get it without consent', async () => {
  const { email } = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(guest, server, other)
  const flow = await application.start({ scope: 'openid' })
  const consent = await browser.submit(await browser.open(flow.url), '/login', { email, password })
  const tokens = await application.redeem(flow, (await browser.submit(consent, '/consent')).url)
  const more = { ...guest, userClaims: ['department', 'roles'] }
  const marker = { ...narrow, id: 'marker' }
  await files.replaceClients([...all.filter(({ id }) => id !== 'guest'), more, marker])
  try {
    for (const each of [server, other]) {
      await expect.poll(() => each.app.oidc?.clients.find('marker'), { timeout: 15_000 }).toBeDefined()
    }
    const refreshed = await application.refresh(tokens.refresh_token ?? '')
    expect(refreshed.claims()).toMatchObject({ department: 'sales' })
    expect(refreshed.claims()).not.toHaveProperty('roles')
    const sub = refreshed.claims()?.sub ?? ''
    expect(await fetchUserInfo(application.config, refreshed.access_token, sub)).not.toHaveProperty('roles')
  } finally {
    await files.replaceClients(all)
  }
})

const asking = (claims: object) => ({ claims: JSON.stringify(claims) })

test('the parameter claims asks for single claims, in the ID token or from userinfo', async () => {
  const { config } = await Application.of(shop, server)
  expect(config.serverMetadata()).toMatchObject({ claims_parameter_supported: true })
  const { email } = await newUser()
  const wanted = asking({ id_token: { email: { essential: true } }, userinfo: { name: null, unknown: null } })
  const { idToken, userinfo, application, tokens } = await tokensOf(shop, email, wanted)
  expect(idToken).toMatchObject({ email })
  expect(idToken).not.toHaveProperty('name')
  expect(userinfo).toEqual({ sub: idToken?.sub, name: 'Test User' })
  const refreshed = await application.refresh(tokens.refresh_token ?? '')
  expect(refreshed.claims()).toMatchObject({ email })

  const beside = await tokensOf(shop, email, { scope: 'openid email', ...wanted })
  expect(beside.idToken).toMatchObject({ email })
  expect(beside.userinfo).toMatchObject({ email, email_verified: false, name: 'Test User' })
})

test('a client without a scope does not get its claims one by one, and the user is not asked', async () => {
  const { email } = await newUser()
  const wanted = asking({ id_token: { email: { essential: true } }, userinfo: { email: null, name: null } })
  const { idToken, userinfo } = await tokensOf(narrow, email, wanted)
  expect(idToken).not.toHaveProperty('email')
  expect(userinfo).toEqual({ sub: idToken?.sub })
})

test('a user agrees to single claims that a client of another owner asks for', async () => {
  const { email } = await newUser()
  const browser = new Browser(server, other)
  const application = await Application.of(guest, server, other)
  const flow = await application.start({ scope: 'openid', ...asking({ userinfo: { email: null } }) })
  const consent = await browser.submit(await browser.open(flow.url), '/login', { email, password })
  expect(consent.text).toContain('see your email')
  const tokens = await application.redeem(flow, (await browser.submit(consent, '/consent')).url)
  const userinfo = await fetchUserInfo(application.config, tokens.access_token, tokens.claims()?.sub ?? '')
  expect(userinfo).toMatchObject({ email, department: 'sales' })
  const more = await application.start({ scope: 'openid', ...asking({ userinfo: { name: null } }) })
  expect((await browser.open(more.url)).text).toContain('see your name')
})

test.each([
  ['no JSON', '{', 'invalid_request'],
  ['a list', '[]', 'invalid_request'],
  ['no part', '{}', 'invalid_request'],
  ['a part that is a text', '{"userinfo":"email"}', 'invalid_request'],
  ['levels that are no list', '{"id_token":{"acr":{"essential":true,"values":"aal2"}}}', 'invalid_request'],
  [
    'too many claims',
    JSON.stringify({ userinfo: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`c${index}`, null])) }),
    'invalid_request',
  ],
  [
    'a level that nobody has',
    '{"id_token":{"acr":{"essential":true,"value":"gold"}}}',
    'unmet_authentication_requirements',
  ],
])('the parameter claims with %s is refused', async (_what, claims, error) => {
  const application = await Application.of(shop, server, other)
  const flow = await application.start({ scope: 'openid', claims })
  const { url } = await new Browser(server, other).open(flow.url)
  expect(url.searchParams.get('error')).toBe(error)
})

test('an essential acr asks for the second factor, and a voluntary one does not', async () => {
  const user = await enrol(server)
  const browser = new Browser(server, other)
  const application = await Application.of(shop, server, other)
  const flow = await application.start({
    scope: 'openid',
    ...asking({ id_token: { acr: { essential: true, value: 'aal2' } } }),
  })
  const code = await browser.submit(await browser.open(flow.url), '/login', { email: user.email, password })
  expect(code.text).toContain('Enter your code')
  const callback = await browser.submit(code, '/code', { code: codeOf(user.secret) })
  expect((await application.redeem(flow, callback.url)).claims()).toMatchObject({ acr: 'aal2' })

  const { email } = await newUser({ roles: ['x'] })
  const voluntary = await tokensOf(shop, email, asking({ id_token: { acr: { values: ['aal2'] } } }))
  expect(voluntary.idToken).toMatchObject({ acr: 'aal1' })
  const essential = await application.start({
    scope: 'openid',
    ...asking({ id_token: { acr: { essential: true, values: ['aal2'] } } }),
  })
  const refused = await logInByPage(new Browser(server, other), essential, email)
  expect(refused.searchParams.get('error')).toBe('unmet_authentication_requirements')
  const either = await tokensOf(
    shop,
    email,
    asking({ id_token: { acr: { essential: true, values: ['aal2', 'aal1'] } } }),
  )
  expect(either.idToken).toMatchObject({ acr: 'aal1' })
})
