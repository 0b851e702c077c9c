import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'

let server: AppForTest
/** Another server of the deployment, whose tokens carry roles and claims. */
let carrying: AppForTest
let admin: { authorization: string }
const signingSecret = randomBytes(32).toString('base64url')

beforeAll(async () => {
  const environment = { DATABASE_NAME: freshDatabase(), JWT_SECRET: signingSecret }
  server = await startApp(environment)
  carrying = await startApp({ ...environment, ACCESS_TOKEN_CLAIMS: 'roles,department,https://example.com/tenant' })
  admin = (await logInAsAdmin(server)).bearer
})
afterAll(() => Promise.all([server.close(), carrying.close()]))

const idOf = (token: string) => decodeJwt(token).sub ?? ''
const claimsOf = (id: string) => `/v1/admin/users/${id}/claims`

/** A user with roles and claims, and a new login at a server. */
async function userWith(change: object, at: AppForTest) {
  const user = await logIn(server)
  const id = idOf(user.accessToken)
  expect(await server.patch(claimsOf(id), change, admin)).toMatchObject({ status: 200 })
  const { body } = await at.post('/v1/auth/login', { email: user.email, password })
  return { id, email: user.email, ...tokensOf(body) }
}

test('an administrator sets roles and claims, each on its own, and the user sees them', async () => {
  const { id, bearer } = await userWith({ roles: ['orders.approver'] }, server)
  const claims = { department: 'sales', level: 3, remote: true, groups: ['a', 'b'], 'https://example.com/tenant': 'x' }
  const changed = await server.patch(claimsOf(id), { claims }, admin)
  expect(changed.body).toEqual({ roles: ['orders.approver'], claims, provider_roles: [] })
  expect((await carrying.get(claimsOf(id), admin)).body).toEqual(changed.body)
  expect(await server.get('/v1/me/claims', bearer)).toMatchObject({ status: 200, body: changed.body })
  const none = await server.patch(claimsOf(id), { roles: [], claims: {} }, admin)
  expect(none.body).toEqual({ roles: [], claims: {}, provider_roles: [] })
})

test('a user document gets no field, and a change leaves an event without values', async () => {
  const { id } = await userWith({ roles: ['auditor'], claims: { department: 'secret-lab' } }, server)
  const user = await server.app.users.findById(id)
  const document = await server.app.mongo.db.collection('users').findOne({ email: user?.email })
  expect(Object.keys(document ?? {})).toHaveLength(9)
  const events = async () => {
    const { body } = await server.get(`/v1/admin/events?user_id=${id}&event=authz_change`, admin)
    return body['events']
  }
  await expect.poll(events).toHaveLength(1)
  const [event] = [await events()].flat()
  expect(event).toMatchObject({ reason: expect.stringMatching(/^roles \+auditor, claims department by [0-9a-f]{24}$/) })
  expect(JSON.stringify(event)).not.toContain('secret-lab')
})

test('tokens carry what the configuration names, from the next token on', async () => {
  const user = await userWith({ roles: ['a', 'b'], claims: { department: 'sales', floor: 2 } }, carrying)
  const claims = decodeJwt(user.accessToken)
  expect(claims).toMatchObject({ role: 'user', roles: ['a', 'b'], department: 'sales' })
  expect(claims).not.toHaveProperty('floor')

  await server.patch(claimsOf(user.id), { roles: ['a'] }, admin)
  expect((await carrying.get('/v1/auth/verify', user.bearer)).body['roles']).toEqual(['a', 'b'])
  const { body } = await carrying.post('/v1/auth/refresh', { refresh_token: user.refreshToken })
  expect(decodeJwt(String(body['access_token']))).toMatchObject({ roles: ['a'] })
})

test('verify tells them in headers and body, for every token', async () => {
  const user = await userWith({ roles: ['a', 'b'], claims: { department: 'Größe' } }, carrying)
  const verified = await carrying.get('/v1/auth/verify', user.bearer)
  expect(verified.headers).toMatchObject({ 'x-auth-role': 'user', 'x-auth-roles': 'a b' })
  expect(JSON.parse(String(verified.headers['x-auth-claims']))).toEqual({ department: 'Größe' })
  expect(verified.body).toMatchObject({ role: 'user', roles: ['a', 'b'], claims: { department: 'Größe' } })

  const plain = await carrying.get('/v1/auth/verify', (await logIn(carrying)).bearer)
  expect(plain.headers).toMatchObject({ 'x-auth-roles': '', 'x-auth-claims': '{}' })
  expect(plain.body).toMatchObject({ roles: [], claims: {} })
})

test('without the configuration, tokens and verify are as before, and no server reads the collection', async () => {
  const { email, accessToken, bearer } = await userWith({ roles: ['a'], claims: { department: 'sales' } }, server)
  expect(Object.keys(decodeJwt(accessToken)).sort()).toEqual(
    ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'nbf', 'role', 'sid', 'sub', 'ver'].sort(),
  )
  const { headers, body } = await server.get('/v1/auth/verify', bearer)
  expect(Object.keys(headers).filter((name) => name.startsWith('x-auth-'))).not.toContain('x-auth-roles')
  expect(headers).not.toHaveProperty('x-auth-claims')
  expect(Object.keys(body).sort()).toEqual(['active', 'exp', 'role', 'sid', 'sub'])

  const { db } = server.app.mongo
  await db.command({ profile: 2 })
  try {
    const login = await server.post('/v1/auth/login', { email, password })
    await server.post('/v1/auth/refresh', { refresh_token: login.body['refresh_token'] })
    await server.get('/v1/auth/verify', tokensOf(login.body).bearer)
    const read = await db.collection('system.profile').distinct('ns')
    expect(read).toContain(`${db.databaseName}.users`)
    expect(read).not.toContain(`${db.databaseName}.user_claims`)
    await carrying.post('/v1/auth/login', { email, password })
    expect(await db.collection('system.profile').distinct('ns')).toContain(`${db.databaseName}.user_claims`)
  } finally {
    await db.command({ profile: 0 })
  }
})

test.each([
  ['a claim that says who the user is', { claims: { sub: 'another' } }],
  ['a claim that says who issued the token', { claims: { iss: 'https://evil.example' } }],
  ['a claim with the role of the account', { claims: { role: 'admin' } }],
  ['roles as a claim', { claims: { roles: ['x'] } }],
  ['a scope', { claims: { scope: 'openid' } }],
  ['the role admin', { roles: ['admin'] }],
  ['the role Admin', { roles: ['Admin'] }],
  ['a role with a space', { roles: ['a admin'] }],
  ['too many roles', { roles: Array.from({ length: 21 }, (_, index) => `role${index}`) }],
  ['too many claims', { claims: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`c${index}`, 1])) }],
  ['a claim that is an object', { claims: { department: { $gt: '' } } }],
  ['a name that begins with $', { claims: { $where: '1' } }],
  ['a text with a line break', { claims: { department: 'a\r\nx-auth-role: admin' } }],
  ['an unknown member', { role: 'admin' }],
  ['nothing', {}],
  [
    'a map that is too large',
    { claims: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, 'x'.repeat(256)])) },
  ],
])('%s is refused with a sentence, and nothing changes', async (_what, change) => {
  const { id } = await userWith({ roles: ['viewer'] }, server)
  const refused = await server.patch(claimsOf(id), change, admin)
  expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed' } })
  expect(refused.body['errors']).toContainEqual(expect.objectContaining({ detail: expect.stringMatching(/.{10}/) }))
  expect((await server.get(claimsOf(id), admin)).body).toMatchObject({ roles: ['viewer'], claims: {} })
})

test('what is set in two requests counts together', async () => {
  const roles = Array.from({ length: 20 }, (_, index) => `${index}${'x'.repeat(60)}`)
  const { id } = await userWith({ roles }, server)
  const refused = await server.patch(claimsOf(id), { claims: { a: 'x'.repeat(250) } }, admin)
  expect(refused).toMatchObject({ status: 400 })
  expect(JSON.stringify(refused.body['errors'])).toMatch(/have \d+ bytes as JSON, and a token has room for 1536/)
})

test('the largest allowed claims fit into a token that the server accepts', async () => {
  const roles = Array.from({ length: 20 }, (_, index) => `${index}${'x'.repeat(58)}`)
  const user = await userWith({ roles, claims: { department: 'x'.repeat(190) } }, carrying)
  expect((await carrying.get('/v1/auth/verify', user.bearer)).status).toBe(200)
})

test('a role or a claim is no right at this server', async () => {
  const user = await userWith(
    { roles: ['administrator', 'admins'], claims: { groups: ['admin'], department: 'admin' } },
    carrying,
  )
  expect((await carrying.get('/v1/auth/verify', user.bearer)).headers).toMatchObject({ 'x-auth-role': 'user' })
  expect(await carrying.get('/v1/admin/users', user.bearer)).toMatchObject({ status: 403 })
  expect(await carrying.patch(claimsOf(user.id), { roles: ['owner'] }, user.bearer)).toMatchObject({ status: 403 })
  expect(await carrying.get(claimsOf(user.id), user.bearer)).toMatchObject({ status: 403 })
})

test('a document that another program has changed replaces no registered claim', async () => {
  const user = await userWith({ roles: ['viewer'] }, carrying)
  const { db } = server.app.mongo
  const claims = ['sub', 'role', 'iss', 'scope', 'ver'].map((name) => ({ name, value: 'admin' }))
  await db.collection('user_claims').updateOne({ roles: ['viewer'] }, { $set: { claims } })
  const { body } = await carrying.post('/v1/auth/login', { email: user.email, password })
  expect(decodeJwt(String(body['access_token']))).toMatchObject({ sub: user.id, role: 'user', ver: 0 })
  expect(decodeJwt(String(body['access_token']))).not.toHaveProperty('scope')
})

test('the roles and claims of a deleted user are deleted, and an unknown user has none', async () => {
  const { id } = await userWith({ roles: ['viewer'], claims: { department: 'sales' } }, server)
  const collection = server.app.mongo.db.collection('user_claims')
  const before = await collection.countDocuments()
  expect(await server.delete(`/v1/admin/users/${id}`, admin)).toMatchObject({ status: 204 })
  expect(await collection.countDocuments()).toBe(before - 1)
  expect(await server.get(claimsOf(id), admin)).toMatchObject({ status: 404 })
  expect(await server.patch(claimsOf(id), { roles: ['x'] }, admin)).toMatchObject({ status: 404 })
  expect(await collection.countDocuments()).toBe(before - 1)
})

test('services that introspect a token see roles and claims', async () => {
  const secret = randomBytes(32).toString('base64url')
  const gateway = await startApp({
    DATABASE_NAME: carrying.config.mongodb.database,
    JWT_SECRET: signingSecret,
    OAUTH_CLIENTS: `gateway:${createHash('sha256').update(secret).digest('hex')}`,
  })
  const user = await userWith({ roles: ['viewer'], claims: { department: 'sales' } }, carrying)
  const answer = await gateway.app.inject({
    method: 'POST',
    url: '/oauth/introspect',
    headers: {
      authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: `token=${user.accessToken}`,
  })
  expect(answer.json()).toMatchObject({ active: true, role: 'user', roles: ['viewer'], department: 'sales' })
  expect(answer.json()).not.toHaveProperty('ver')
  await gateway.close()
})
