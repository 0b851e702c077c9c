import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { buildEndSessionUrl } from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keycloak, startKeycloak } from '../../tools/neighbours/keycloak.ts'
import { type AppForTest, logIn, logInAsAdmin, password } from '../integration/api-server/app-for-test.ts'
import { type ProviderDeployment, startProviderDeployment } from '../integration/api-server/identity-provider-user.ts'
import { fetchOf, issuer } from '../integration/api-server/oidc-client.ts'
import { type Flow, type Page, PageBrowser } from '../integration/support/relying-party.ts'

/** A real Keycloak, at which users of two servers of one deployment log in. */
let keycloak: Keycloak
let deployment: ProviderDeployment
let server: AppForTest

const clientSecret = randomBytes(24).toString('base64url')

/** The client refuses a login without PKCE, and puts the roles and groups of a user into the ID token. */
const realm = {
  realm: 'staff',
  enabled: true,
  roles: { realm: [{ name: 'auth-admins' }] },
  groups: [{ name: 'staff', subGroups: [{ name: 'orders' }] }],
  clients: [
    {
      clientId: 'auth',
      secret: clientSecret,
      redirectUris: [`${issuer}/oauth/callback/*`],
      attributes: { 'pkce.code.challenge.method': 'S256' },
      protocolMappers: [
        {
          name: 'roles',
          protocol: 'openid-connect',
          protocolMapper: 'oidc-usermodel-realm-role-mapper',
          config: {
            'claim.name': 'roles',
            'jsonType.label': 'String',
            multivalued: 'true',
            'id.token.claim': 'true',
          },
        },
        {
          name: 'groups',
          protocol: 'openid-connect',
          protocolMapper: 'oidc-group-membership-mapper',
          config: { 'claim.name': 'groups', 'full.path': 'true', 'id.token.claim': 'true' },
        },
      ],
    },
  ],
}

beforeAll(async () => {
  keycloak = await startKeycloak()
  await keycloak.admin.post('', realm)
  const provider = {
    issuer: keycloak.issuer('staff'),
    clientId: 'auth',
    authentication: { method: 'secret', secret: clientSecret },
  } as const
  const mappings = [{ value: '/staff/orders', role: 'orders.approver' }]
  const keycloakEntry = {
    ...provider,
    id: 'keycloak',
    name: 'Keycloak',
    role: { claim: 'roles', admin: ['auth-admins'] },
    applicationRoles: { claim: 'groups', mappings },
  }
  deployment = await startProviderDeployment(
    [keycloakEntry, { ...provider, id: 'corp', name: 'Example Corp', domains: ['corp.example'], passwordLogin: false }],
    { ACCESS_TOKEN_CLAIMS: 'roles' },
  )
  server = deployment.server
})
afterAll(async () => {
  await deployment?.close()
  await keycloak?.stop()
})

/** A user of Keycloak. */
interface KeycloakUser {
  id: string
  email: string
  password: string
}

/** Creates a user at Keycloak, with a verified email unless the test says otherwise. */
async function newUser({
  domain = 'example.org',
  emailVerified = true,
  groups = [] as string[],
} = {}): Promise<KeycloakUser> {
  const username = randomBytes(6).toString('hex')
  const user = { email: `${username}@${domain}`, password: randomBytes(12).toString('base64url') }
  const credentials = [{ type: 'password', value: user.password }]
  const names = { username, email: user.email, firstName: 'Test', lastName: 'User' }
  await keycloak.admin.post('/staff/users', { ...names, enabled: true, emailVerified, credentials, groups })
  const [created] = await keycloak.admin.get<{ id: string }[]>(`/staff/users?exact=true&username=${username}`)
  return { id: created?.id ?? '', ...user }
}

/** @param servers that its requests reach, one after another */
function newBrowser(...servers: readonly AppForTest[]): PageBrowser {
  const ours = fetchOf(...(servers.length > 0 ? servers : [deployment.server, deployment.other]))
  const reach: typeof fetch = (input, init) =>
    String(input).startsWith(`${keycloak.origin}/`) ? fetch(input, init) : ours(input, init)
  return new PageBrowser(reach, issuer, [keycloak.origin])
}

/** A login that has reached a page. */
interface Login {
  browser: PageBrowser
  flow: Flow
  page: Page
}

/** Begins a login at the shop, and chooses Keycloak. @returns the page after that */
async function goToKeycloak(browser = newBrowser()): Promise<Login> {
  const flow = await deployment.application.start()
  const page = await browser.follow(await browser.open(flow.url), '/provider/keycloak')
  return { browser, flow, page }
}

function submitAtKeycloak(browser: PageBrowser, page: Page, user: KeycloakUser): Promise<Page> {
  expect(page.url.href, page.text).toContain(keycloak.issuer('staff'))
  const { email: username, password: secret } = user
  return browser.submit(page, '/login-actions/authenticate', { username, password: secret })
}

/** A whole login at Keycloak. @returns the page after it: that of the shop, or one of the server */
async function logInAtKeycloak(user: KeycloakUser, from = newBrowser()): Promise<Login> {
  const { browser, flow, page } = await goToKeycloak(from)
  return { browser, flow, page: await submitAtKeycloak(browser, page, user) }
}

/** The claims of the access token that the shop gets. */
async function claimsOf({ flow, page }: Login) {
  expect(page.url.origin, page.text).toBe('https://shop.example.com')
  return decodeJwt((await deployment.application.redeem(flow, page.url)).access_token)
}

const findUser = (email: string) => server.app.mongo.db.collection('users').findOne({ email })

test('the first login creates an account, and the next one leads to the same', async () => {
  const user = await newUser()
  const { sub, role } = await claimsOf(await logInAtKeycloak(user))
  expect(role).toBe('user')
  const account = await server.app.users.findById(String(sub))
  expect(account).toMatchObject({ email: user.email, name: 'Test User', is_active: true })
  expect(account === null ? undefined : await server.app.verifiedEmails.has(account)).toBe(true)
  expect((await claimsOf(await logInAtKeycloak(user))).sub).toBe(sub)
})

test('Keycloak has required PKCE for these logins', async () => {
  const { page } = await goToKeycloak()
  const without = new URL(page.url)
  expect(without.searchParams.get('code_challenge_method')).toBe('S256')
  for (const name of ['code_challenge', 'code_challenge_method']) without.searchParams.delete(name)
  const { url } = await newBrowser().open(without, undefined)
  expect(url.searchParams.get('error_description') ?? String(url)).toContain('code_challenge_method')
})

test('each login gives the role that Keycloak says', async () => {
  await logInAsAdmin(server)
  const user = await newUser()
  const [role] = await keycloak.admin.get<Record<string, unknown>[]>('/staff/roles?search=auth-admins')
  const path = `/staff/users/${user.id}/role-mappings/realm`
  await keycloak.admin.post(path, [role ?? {}])
  expect(await claimsOf(await logInAtKeycloak(user))).toMatchObject({ role: 'admin' })
  await keycloak.admin.delete(path, [role ?? {}])
  expect(await claimsOf(await logInAtKeycloak(user))).toMatchObject({ role: 'user' })
})

test('each login gives the application roles of the groups at Keycloak', async () => {
  const user = await newUser({ groups: ['/staff/orders'] })
  expect(await claimsOf(await logInAtKeycloak(user))).toMatchObject({ role: 'user', roles: ['orders.approver'] })
  const { id } = await keycloak.admin.get<{ id: string }>('/staff/group-by-path/staff/orders')
  await keycloak.admin.delete(`/staff/users/${user.id}/groups/${id}`)
  expect(await claimsOf(await logInAtKeycloak(user))).not.toHaveProperty('roles')
})

test('users of the domain are sent to Keycloak, which has their email already', async () => {
  const user = await newUser({ domain: 'corp.example' })
  const browser = newBrowser()
  const flow = await deployment.application.start()
  const asked = await browser.submit(await browser.open(flow.url), '/email', { email: user.email })
  const page = await browser.follow(asked, '/provider/corp')
  expect(page.text).toContain(`value="${user.email}"`)
  await claimsOf({ browser, flow, page: await submitAtKeycloak(browser, page, user) })
  const refused = await server.post('/v1/auth/login', { email: user.email, password })
  expect(refused).toMatchObject({ status: 403, body: { code: 'provider_login_required' } })
})

test('an account with the same email is linked only with proof', async () => {
  const user = await newUser()
  await logIn(server, user.email)
  const { browser, flow, page } = await logInAtKeycloak(user)
  expect(page.text).toContain('Your account at Keycloak is not linked')
  const wrong = await browser.submit(page, '/login', { email: user.email, password: 'wrong horse battery' })
  expect(wrong.status).toBe(401)
  const done = await browser.submit(wrong, '/login', { email: user.email, password })
  const { sub } = await claimsOf({ browser, flow, page: done })
  expect(String((await findUser(user.email))?._id)).toBe(sub)
  expect((await claimsOf(await logInAtKeycloak(user))).sub).toBe(sub)
})

test('a user whose email Keycloak has not verified gets no account', async () => {
  const user = await newUser({ emailVerified: false })
  const { page } = await logInAtKeycloak(user)
  expect(page.url.origin).toBe(issuer)
  expect(page.text).toContain('Your account at Keycloak is not linked')
  expect(await findUser(user.email)).toBeNull()
})

test('a logout ends the session here, and the one at Keycloak stays', async () => {
  const { browser, flow, page } = await logInAtKeycloak(await newUser())
  const tokens = await deployment.application.redeem(flow, page.url)
  const userinfo = async () =>
    (await server.get('/oauth/userinfo', { authorization: `Bearer ${tokens.access_token}` })).status
  expect(await userinfo()).toBe(200)
  const url = buildEndSessionUrl(deployment.application.config, { id_token_hint: tokens.id_token ?? '' })
  await browser.submit(await browser.open(url), '/oauth/logout/confirm', { logout: 'yes' })
  await expect.poll(userinfo).toBe(401)
  // The login page of the server again, but not that of Keycloak.
  const again = await goToKeycloak(browser)
  expect((await claimsOf(again)).sub).toBe(decodeJwt(tokens.access_token).sub)
})

test('both servers follow a new key of Keycloak, and an old one may disappear', async () => {
  const user = await newUser()
  await claimsOf(await logInAtKeycloak(user))
  const component = { providerType: 'org.keycloak.keys.KeyProvider', providerId: 'rsa-generated' }
  const path = `/staff/components?type=${component.providerType}`
  const all = await keycloak.admin.get<{ id: string; providerId: string }[]>(path)
  const old = all.find(({ providerId }) => providerId === component.providerId)
  const signingKey = async () => (await keycloak.admin.get<{ active: { RS256: string } }>('/staff/keys')).active.RS256
  const before = await signingKey()
  const config = { priority: ['200'], active: ['true'], enabled: ['true'], keySize: ['2048'] }
  await keycloak.admin.post('/staff/components', { ...component, name: 'new', config })
  expect(await signingKey()).not.toBe(before)

  const begun = Date.now()
  // A server does not read keys twice within a minute.
  for (const each of [server, deployment.other]) await logsInWithin150Seconds(user, each)
  console.log(`Both servers followed the new key after ${Math.round((Date.now() - begun) / 1000)} s.`)
  await keycloak.admin.delete(`/staff/components/${old?.id}`)
  for (const each of [server, deployment.other]) await logsInWithin150Seconds(user, each)
}, 900_000)

async function logsInWithin150Seconds(user: KeycloakUser, at: AppForTest): Promise<void> {
  const page = async () => (await logInAtKeycloak(user, newBrowser(at))).page.url.origin
  await expect.poll(page, { timeout: 150_000, interval: 3_000 }).toBe('https://shop.example.com')
}

test('while Keycloak is stopped, the page says so, and passwords work', async () => {
  const user = await newUser()
  const { browser, flow, page } = await goToKeycloak()
  await keycloak.stop()
  const { email } = await logIn(server)
  const callback = new URL(page.url.searchParams.get('redirect_uri') ?? '')
  callback.search = String(new URLSearchParams({ state: page.url.searchParams.get('state') ?? '', code: 'code' }))
  callback.searchParams.set('iss', keycloak.issuer('staff'))
  const failed = await browser.open(callback)
  expect(failed.status, failed.text).toBe(503)
  expect(failed.text).toContain('Keycloak is unavailable.')
  await claimsOf({ browser, flow, page: await browser.submit(failed, '/login', { email, password }) })
  expect(await findUser(user.email)).toBeNull()
})
