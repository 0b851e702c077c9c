import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { claimsOfNamedUser } from '../../../api-server/commands/admin/claims.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { IdentityProvider } from '../../../contract/identity-provider-schema.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { type AppForTest, logIn, logInAsAdmin, password } from './app-for-test.ts'
import {
  goToProvider,
  logInAt,
  type ProviderDeployment,
  startProviderDeployment,
  startUpstream,
} from './identity-provider-user.ts'
import { Browser, issuer, type Page, secret, shop } from './oidc-client.ts'
import { TestProvider } from './test-provider.ts'

/** Another server of ours, as a provider whose ID tokens carry the roles that its administrators give. */
let upstream: AppForTest
/** A provider whose claims a test chooses. */
let provider: TestProvider
/** One that has groups in userinfo only. */
let withUserinfo: TestProvider
let deployment: ProviderDeployment
let server: AppForTest
let admin: { authorization: string }
let entries: IdentityProvider[]

const downstream: OidcClient = {
  ...shop,
  id: 'downstream',
  redirectUris: [`${issuer}/oauth/callback/upstream`],
  userClaims: ['roles'],
}

const applicationRoles = {
  claim: 'groups',
  mappings: [
    { value: 'orders team', role: 'orders.viewer' },
    { value: 'managers', role: 'orders.approver' },
    { value: 'managers', role: 'orders.viewer' },
  ],
}

beforeAll(async () => {
  upstream = await startUpstream(downstream)
  provider = await TestProvider.start()
  withUserinfo = await TestProvider.start()
  entries = [
    {
      id: 'upstream',
      name: 'Upstream',
      issuer: upstream.config.issuer,
      clientId: 'downstream',
      authentication: { method: 'secret', secret },
      applicationRoles: { claim: 'roles', mappings: [{ value: 'staff', role: 'orders.viewer' }] },
    },
    provider.entry('corp', { applicationRoles }),
    provider.entry('links', { users: 'LinkedOnly', applicationRoles }),
    withUserinfo.entry('thin', { applicationRoles }),
  ]
  deployment = await startProviderDeployment(entries, { ACCESS_TOKEN_CLAIMS: 'roles,department' })
  server = deployment.server
  admin = (await logInAsAdmin(server)).bearer
})
beforeEach(() => {
  vi.restoreAllMocks()
})
afterAll(async () => {
  await deployment?.close()
  await upstream?.close()
  await provider?.stop()
  await withUserinfo?.stop()
})

const newUser = () => {
  const sub = randomBytes(6).toString('hex')
  return { sub, email: `${sub}@example.org`, email_verified: true, name: 'Mina' }
}

async function userOf({ app }: AppForTest, email: string) {
  const user = await app.users.findByEmail(parseEmail(email))
  if (user === null) throw new Error(`${email} has no account`)
  return user
}

const idOf = async (email: string) => (await userOf(server, email))._id.toString()

async function confirmEmail(at: AppForTest, email: string): Promise<void> {
  const { _id } = await userOf(at, email)
  await at.app.mongo.transaction((session) => at.app.verifiedEmails.add(_id, email, new Date(), session))
}

const claimsPath = async (email: string) => `/v1/admin/users/${await idOf(email)}/claims`

/** Roles that the access token carries. */
const rolesIn = (token: string) => decodeJwt(token)['roles']

/** Logs a user in at a provider. @returns tokens of the application */
async function tokensAfter(claims: Record<string, unknown>, id = 'corp', at = provider) {
  const { flow, page } = await logInAt(deployment, at, id, claims)
  expect(page.url.origin, page.text).toBe('https://shop.example.com')
  return deployment.application.redeem(flow, page.url)
}

async function eventsOf(email: string): Promise<string[]> {
  const userId = await idOf(email)
  await server.app.securityEventStore.flush()
  await deployment.other.app.securityEventStore.flush()
  const events = await server.app.mongo.db
    // Events are written without waiting for the majority, which the server reads.
    .collection('security_events', { readConcern: { level: 'local' } })
    .find({ userId, event: 'authz_change' })
    .sort({ at: 1, _id: 1 })
    .toArray()
  return events.map(({ reason }) => reason)
}

test('each login gives the roles of the groups of that moment', async () => {
  const user = newUser()
  const first = await tokensAfter({ ...user, groups: ['managers', 'everybody'] })
  expect(rolesIn(first.access_token)).toEqual(['orders.approver', 'orders.viewer'])
  const second = await tokensAfter({ ...user, groups: 'orders team' })
  expect(rolesIn(second.access_token)).toEqual(['orders.viewer'])
  const third = await tokensAfter({ ...user, groups: ['everybody'] })
  expect(rolesIn(third.access_token)).toBeUndefined()
  expect(await eventsOf(user.email)).toEqual([
    'roles +orders.approver +orders.viewer by corp',
    'roles -orders.approver by corp',
    'roles -orders.viewer by corp',
  ])
  // The session of the first login has not ended, and its next token has the roles of today.
  const refreshed = await deployment.application.refresh(first.refresh_token ?? '')
  expect(rolesIn(refreshed.access_token)).toBeUndefined()
})

test('roles that an administrator gives stay, whatever the groups are', async () => {
  const user = newUser()
  await tokensAfter({ ...user, groups: ['orders team'] })
  const path = await claimsPath(user.email)
  const changed = await server.patch(path, { roles: ['orders.viewer', 'auditor'] }, admin)
  const provider_roles = [{ provider: 'corp', roles: ['orders.viewer'] }]
  expect(changed.body).toEqual({ roles: ['orders.viewer', 'auditor'], claims: {}, provider_roles })
  expect((await server.get(path, admin)).body).toEqual(changed.body)
  expect(rolesIn((await tokensAfter({ ...user, groups: ['orders team'] })).access_token)).toEqual([
    'orders.viewer',
    'auditor',
  ])

  expect(rolesIn((await tokensAfter({ ...user, groups: [] })).access_token)).toEqual(['orders.viewer', 'auditor'])
  expect((await server.get(path, admin)).body).toMatchObject({ provider_roles: [] })
  await server.patch(path, { roles: [] }, admin)
  expect(rolesIn((await tokensAfter({ ...user, groups: ['managers'] })).access_token)).toEqual([
    'orders.approver',
    'orders.viewer',
  ])
})

test('the roles of another server of ours become those of the mapping', async () => {
  const { email } = await logIn(upstream)
  await confirmEmail(upstream, email)
  const operator = (await logInAsAdmin(upstream)).bearer
  const path = `/v1/admin/users/${(await userOf(upstream, email))._id}/claims`
  const logInThere = async () => {
    const { browser, flow, url } = await goToProvider(deployment, 'upstream')
    const there = new Browser(upstream)
    const page = await browser.open((await there.submit(await there.open(url), '/login', { email, password })).url)
    expect(page.url.origin, page.text).toBe('https://shop.example.com')
    return rolesIn((await deployment.application.redeem(flow, page.url)).access_token)
  }
  await upstream.patch(path, { roles: ['staff', 'other'] }, operator)
  expect(await logInThere()).toEqual(['orders.viewer'])
  await upstream.patch(path, { roles: ['other'] }, operator)
  expect(await logInThere()).toBeUndefined()
})

test('a provider that sends 10,000 groups logs its users in, and only mapped ones are stored', async () => {
  const user = newUser()
  const groups = Array.from({ length: 10_000 }, (_, index) => `group-${index}-${'x'.repeat(20)}`)
  const tokens = await tokensAfter({ ...user, groups: [...groups, 'managers'] })
  expect(rolesIn(tokens.access_token)).toEqual(['orders.approver', 'orders.viewer'])
  const stored = await server.app.mongo.db.collection('identities').findOne({ subject: user.sub })
  expect(stored?.['groups']).toEqual(['managers'])
})

test('a missing claim is logged once, and the user logs in without roles', async () => {
  await deployment.useProviders([...entries, provider.entry('silent', { applicationRoles })])
  const warn = [server, deployment.other].map(({ app }) => vi.spyOn(app.log, 'warn'))
  const user = newUser()
  for (let logins = 0; logins < 4; logins++) {
    expect(rolesIn((await tokensAfter(user, 'silent')).access_token)).toBeUndefined()
  }
  await tokensAfter({ ...user, groups: [] }, 'silent')
  const lines = warn.map((spy) => spy.mock.calls.filter(([about]) => Reflect.get(Object(about), 'claim') === 'groups'))
  // Once for each server. A request decides by chance which of them completes the login.
  expect(lines.flat().length).toBeGreaterThan(0)
  for (const ofServer of lines) expect(ofServer.length).toBeLessThanOrEqual(1)
  expect(lines.flat()).toContainEqual([
    { provider: 'silent', claim: 'groups' },
    expect.stringContaining('has sent no groups'),
  ])
  await deployment.useProviders(entries)
})

test('a claim that ID tokens lack is read from userinfo', async () => {
  const user = newUser()
  withUserinfo.userinfo = { sub: user.sub, groups: ['orders team'] }
  expect(rolesIn((await tokensAfter(user, 'thin', withUserinfo)).access_token)).toEqual(['orders.viewer'])
  withUserinfo.requests = []
  await tokensAfter({ ...user, groups: ['managers'] }, 'thin', withUserinfo)
  expect(withUserinfo.requests).not.toContain('/userinfo')
})

test('a login that links an account gives roles, and removing the identity takes them away', async () => {
  const user = newUser()
  const { bearer } = await logIn(server, user.email)
  const { browser, flow, page } = await logInAt(deployment, provider, 'links', { ...user, groups: ['managers'] })
  expect(page.text).toContain('Your account at LINKS is not linked')
  const done = await browser.submit(page, '/login', { email: user.email, password })
  const tokens = await deployment.application.redeem(flow, done.url)
  expect(rolesIn(tokens.access_token)).toEqual(['orders.approver', 'orders.viewer'])
  expect(await eventsOf(user.email)).toEqual(['roles +orders.approver +orders.viewer by links'])
  expect((await server.get('/v1/me/claims', bearer)).body).toMatchObject({
    roles: [],
    provider_roles: [{ provider: 'links', roles: ['orders.approver', 'orders.viewer'] }],
  })
  const lines: string[] = []
  for await (const line of claimsOfNamedUser(server.app, { email: user.email })) lines.push(line)
  expect(lines).toEqual(['role\torders.approver\tlinks', 'role\torders.viewer\tlinks'])

  const { body } = await server.get('/v1/me/identities', bearer)
  const id = (body['identities'] as { id: string }[])[0]?.id
  expect(await server.delete(`/v1/me/identities/${id}`, bearer)).toMatchObject({ status: 204 })
  expect((await server.get(await claimsPath(user.email), admin)).body).toMatchObject({ provider_roles: [] })
  expect(await eventsOf(user.email)).toEqual([
    'roles +orders.approver +orders.viewer by links',
    'roles -orders.approver -orders.viewer by links',
  ])
})

test('a link on the account pages gives roles', async () => {
  const { email } = await logIn(server)
  await confirmEmail(server, email)
  const user = newUser()
  const browser = new Browser(server, deployment.other)
  await browser.submit(await browser.open('/account/identities'), '/login', { email, password })
  const form = await browser.open('/account/identities/link?provider=corp')
  const toProvider = await browser.submit(form, '/identities/link', { current_password: password })
  const done = await browser.open(provider.answer(urlOf(toProvider), { ...user, groups: ['orders team'] }))
  expect(done.text).toContain('The account is linked.')
  expect((await server.get(await claimsPath(email), admin)).body).toMatchObject({
    provider_roles: [{ provider: 'corp', roles: ['orders.viewer'] }],
  })
})

/** Where a page sends the browser. */
function urlOf({ headers }: Page): URL {
  return new URL(/^0;url=(.+)$/.exec(headers.get('refresh') ?? '')?.[1] ?? 'no header')
}

test('a changed mapping takes effect with the next token, and a removed provider gives no roles', async () => {
  const user = newUser()
  let { refresh_token: token = '' } = await tokensAfter({ ...user, groups: ['managers'] })
  const refresh = async () => {
    const refreshed = await deployment.application.refresh(token)
    token = refreshed.refresh_token ?? ''
    return rolesIn(refreshed.access_token)
  }
  const others = entries.filter(({ id }) => id !== 'corp')
  const mappings = [{ value: 'managers', role: 'orders.owner' }]
  await deployment.useProviders([
    ...others,
    provider.entry('corp', { applicationRoles: { claim: 'groups', mappings } }),
  ])
  expect(await refresh()).toEqual(['orders.owner'])
  await deployment.useProviders([...others, provider.entry('corp')])
  expect(await refresh()).toBeUndefined()
  await deployment.useProviders(others)
  expect(await refresh()).toBeUndefined()
  await deployment.useProviders(entries)
  expect(await refresh()).toEqual(['orders.approver', 'orders.viewer'])
})

test('roles that do not fit into a token are left out, and the log says so', async () => {
  const warn = [server, deployment.other].map(({ app }) => vi.spyOn(app.log, 'warn'))
  const user = newUser()
  await tokensAfter({ ...user, groups: [] })
  const roles = Array.from({ length: 20 }, (_, index) => `${index}${'x'.repeat(60)}`)
  expect(await server.patch(await claimsPath(user.email), { roles }, admin)).toMatchObject({ status: 200 })
  const department = 'x'.repeat(200)
  expect(await server.patch(await claimsPath(user.email), { claims: { department } }, admin)).toMatchObject({
    status: 200,
  })
  const tokens = await tokensAfter({ ...user, groups: ['managers'] })
  const carried = rolesIn(tokens.access_token)
  expect(carried).toEqual(roles)
  expect(warn.flatMap((spy) => spy.mock.calls)).toContainEqual([
    { user_id: await idOf(user.email), roles: ['orders.approver', 'orders.viewer'] },
    expect.stringContaining('a token has no room for some roles'),
  ])
})

test('a role from a provider is no right at this server', async () => {
  await deployment.useProviders([
    ...entries,
    provider.entry('evil', {
      applicationRoles: { claim: 'groups', mappings: [{ value: 'admin', role: 'administrator' }] },
    }),
  ])
  const { access_token } = await tokensAfter(
    { ...newUser(), groups: ['admin'], roles: ['admin'], role: 'admin' },
    'evil',
  )
  expect(decodeJwt(access_token)).toMatchObject({ role: 'user', roles: ['administrator'] })
  await deployment.useProviders(entries)
})
