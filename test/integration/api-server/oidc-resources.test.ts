import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import {
  authorizationCodeGrant,
  clientCredentialsGrant,
  refreshTokenGrant,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { developmentKeys } from '../../../tools/local-servers/signing-keys.ts'
import { type AppForTest, freshDatabase, logIn, password, startApp } from './app-for-test.ts'
import {
  Application,
  Browser,
  type Flow,
  fetchOf,
  issuer,
  logInByPage,
  news,
  type OidcFiles,
  oidcFiles,
  secret,
  shop,
} from './oidc-client.ts'

const orders = 'https://orders.example.com'
const bills = 'urn:example:bills'
const resources = [
  { uri: orders, scopes: ['orders:read', 'orders:write'] },
  { uri: bills, scopes: ['read'] },
]
const buyer: OidcClient = { ...shop, id: 'buyer', resources }
const modest: OidcClient = { ...buyer, id: 'modest', scopes: ['openid'] }
const guest: OidcClient = { ...news, id: 'guest', resources }
const { redirectUris, postLogoutRedirectUris, scopes, ...confidential } = shop
/** Gets tokens for itself. */
const job: OidcClient = { ...confidential, id: 'job', grants: ['client_credentials'], resources: resources.slice(0, 1) }
const robot: OidcClient = { ...job, id: 'robot', resources, lifetimes: { accessToken: 60 } }
const all = [shop, buyer, modest, guest, job, robot]

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let files: OidcFiles
let folder: string
let email: string

beforeAll(async () => {
  files = await oidcFiles(all)
  folder = await mkdtemp(join(tmpdir(), 'authservice-resources-'))
  const environment = {
    ...files.environment,
    JWT_SECRET: '',
    JWT_KEYS_FILE: await developmentKeys(folder),
    OAUTH_CLIENTS: `gateway:${shop.authentication.method === 'secret' ? shop.authentication.secretHashes[0] : ''}`,
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  email = (await logIn(server)).email
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await rm(folder, { recursive: true })
})

/** What the API that a token is for does. */
async function verify(token: string, audience: string) {
  const { body } = await other.get('/.well-known/jwks.json')
  const keys = createLocalJWKSet(body as unknown as JSONWebKeySet)
  return (await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt' })).payload
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const tokenOf = async (client: OidcClient, parameters: Record<string, string> = {}) =>
  clientCredentialsGrant((await Application.of(client, server, other)).config, parameters)

test('a client gets a token for itself, which the API verifies by the JWKS', async () => {
  const tokens = await tokenOf(job, { resource: orders, scope: 'orders:read' })
  expect(tokens).toMatchObject({ scope: 'orders:read', token_type: 'bearer' })
  expect(tokens.refresh_token).toBeUndefined()
  expect(tokens.id_token).toBeUndefined()
  const claims = await verify(tokens.access_token, orders)
  expect(claims).toEqual({
    iss: issuer,
    aud: orders,
    sub: 'job',
    client_id: 'job',
    scope: 'orders:read',
    jti: expect.any(String),
    iat: expect.any(Number),
    nbf: expect.any(Number),
    exp: (claims.iat ?? 0) + (tokens.expires_in ?? 0),
  })
  // The only resource, and all of its scopes.
  expect(await verify((await tokenOf(job)).access_token, orders)).toMatchObject({ scope: 'orders:read orders:write' })
  const short = await tokenOf(robot, { resource: bills })
  expect(short.expires_in).toBe(60)
  expect(await verify(short.access_token, bills)).toMatchObject({ scope: 'read', sub: 'robot' })
})

test.each([
  ['of another client', job, { resource: bills }, 'invalid_target'],
  ['that does not exist', job, { resource: 'https://evil.example' }, 'invalid_target'],
  ['that is the API of this server', job, { resource: 'tests' }, 'invalid_target'],
  ['that is the issuer', job, { resource: issuer }, 'invalid_target'],
  ['with a slash more', job, { resource: `${orders}/` }, 'invalid_target'],
  ['of a choice that it does not make', robot, {}, 'invalid_target'],
  ['with a scope of another one', robot, { resource: bills, scope: 'orders:read' }, 'invalid_scope'],
  ['with a scope about users', job, { resource: orders, scope: 'openid' }, 'invalid_scope'],
  ['with one scope too many', job, { resource: orders, scope: 'orders:read admin' }, 'invalid_scope'],
  ['without the grant', buyer, { resource: orders }, 'invalid_request'],
])('a client gets no token for a resource %s', async (_what, client, parameters, error) => {
  await expect(tokenOf(client, parameters)).rejects.toMatchObject({ error })
})

test('a client gets no token for two resources at once, nor with a wrong secret or without one', async () => {
  const ask = async (body: string, authorization?: string) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization !== undefined && { authorization }),
    }
    const answer = await fetchOf(server)(`${issuer}/oauth/token`, { method: 'POST', body, headers })
    return { status: answer.status, ...((await answer.json()) as Record<string, string>) }
  }
  const basic = (word: string) => `Basic ${Buffer.from(`robot:${word}`).toString('base64')}`
  const two = `grant_type=client_credentials&resource=${orders}&resource=${bills}`
  expect(await ask(two, basic(secret))).toMatchObject({ status: 400, error: 'invalid_target' })
  const one = `grant_type=client_credentials&resource=${orders}`
  expect(await ask(one, basic('wrong'))).toMatchObject({ status: 401, error: 'invalid_client' })
  expect(await ask(`${one}&client_id=robot`)).toMatchObject({ error: 'invalid_client' })
  expect(await ask(`${one}&client_id=guest`)).toMatchObject({ error: 'invalid_request' })
})

test.each([
  ['GET', '/v1/me'],
  ['GET', '/v1/me/sessions'],
  ['POST', '/v1/auth/logout-all'],
  ['GET', '/v1/admin/users'],
  ['GET', '/v1/auth/verify'],
  ['GET', '/v1/auth/verify/orders/7'],
  ['GET', '/oauth/userinfo'],
] as const)('the token of a client itself, and one for another API, are not accepted by %s %s', async (method, url) => {
  const own = await tokenOf(job)
  const { tokens } = await ofUser()
  for (const token of [own.access_token, tokens.access_token]) {
    const answer = await server.app.inject({
      method,
      url,
      headers: bearer(token),
      ...(method !== 'GET' && { payload: {} }),
    })
    expect(answer.json()).toMatchObject({ status: 401, code: 'token_invalid' })
  }
})

test('a client token is introspected by its client and by services, and cannot be revoked', async () => {
  const { access_token: token } = await tokenOf(job, { scope: 'orders:write' })
  const own = (await Application.of(job, server, other)).config
  const active = { active: true, sub: 'job', client_id: 'job', aud: orders, scope: 'orders:write', token_use: 'access' }
  expect(await tokenIntrospection(own, token)).toMatchObject(active)
  const gateway = { authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}` }
  const ask = (path: string, headers: Record<string, string>) =>
    server.app.inject({
      method: 'POST',
      url: path,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      payload: `token=${token}`,
    })
  expect((await ask('/oauth/introspect', gateway)).json()).toMatchObject(active)
  const rival = (await Application.of(robot, server)).config
  expect(await tokenIntrospection(rival, token)).toEqual({ active: false })

  await expect(tokenRevocation(own, token)).rejects.toMatchObject({ error: 'unsupported_token_type' })
  const refused = await ask('/oauth/revoke', gateway)
  expect(refused.statusCode).toBe(400)
  expect(refused.json()).toMatchObject({ error: 'unsupported_token_type', code: 'unsupported_token_type' })
  // Another client learns nothing of it.
  await tokenRevocation(rival, token)
  expect(await tokenIntrospection(own, token)).toMatchObject(active)
})

test('introspection knows when a client, or its right to an API, is gone', async () => {
  const { access_token: token } = await tokenOf(robot, { resource: bills })
  const { config } = await Application.of(robot, server)
  expect(await tokenIntrospection(config, token)).toMatchObject({ active: true })
  await files.replaceClients([
    ...all.filter(({ id }) => id !== 'robot'),
    { ...robot, resources: resources.slice(0, 1) },
  ])
  try {
    await expect.poll(async () => (await tokenIntrospection(config, token)).active, { timeout: 15_000 }).toBe(false)
    await expect(clientCredentialsGrant(config, { resource: bills })).rejects.toMatchObject({ error: 'invalid_target' })
  } finally {
    await files.replaceClients(all)
  }
})

/** The tokens of a user at a client with resources. @param ask parameters of the authorization and of the token request */
async function ofUser(ask: { resource?: string; scope?: string } = {}, redeemed = ask.resource ?? orders) {
  const application = await Application.of(buyer, server, other)
  const flow = await application.start({ resource: orders, scope: 'openid email orders:read', ...ask })
  const callback = await logInByPage(new Browser(server, other), flow, email)
  return { application, tokens: await redeem(application, flow, callback, redeemed) }
}

function redeem({ config }: Application, { verifier, state, nonce }: Flow, callback: URL, resource?: string) {
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  return authorizationCodeGrant(config, callback, checks, resource === undefined ? {} : { resource })
}

test('a token of a user for an API has its audience and only its scopes, and ends with the session', async () => {
  const { application, tokens } = await ofUser()
  const claims = await verify(tokens.access_token, orders)
  expect(claims).toMatchObject({ client_id: 'buyer', scope: 'orders:read', role: 'user', sid: expect.any(String) })
  expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ aud: 'buyer', sub: claims.sub })
  const { config } = application
  expect(await tokenIntrospection(config, tokens.access_token)).toMatchObject({
    active: true,
    aud: orders,
    scope: 'orders:read',
    sid: claims['sid'],
  })
  // A refresh asks for the other kind of token, and for the same one.
  const plain = await refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(decodeJwt(plain.access_token)).toMatchObject({ aud: 'tests', scope: 'openid email', sid: claims['sid'] })
  const again = await refreshTokenGrant(config, plain.refresh_token ?? '', { resource: orders })
  expect(await verify(again.access_token, orders)).toMatchObject({ scope: 'orders:read', sid: claims['sid'] })
  await expect(refreshTokenGrant(config, again.refresh_token ?? '', { resource: bills })).rejects.toMatchObject({
    error: 'invalid_target',
  })
  await tokenRevocation(config, again.access_token)
  for (const token of [tokens.access_token, plain.access_token, again.access_token, again.refresh_token ?? '']) {
    await expect.poll(() => tokenIntrospection(config, token), { timeout: 2_000 }).toEqual({ active: false })
  }
})

test('a request without openid gives a token for its only resource', async () => {
  const application = await Application.of(buyer, server, other)
  const flow = await application.start({ resource: orders, scope: 'orders:write' })
  // It belongs to ID tokens.
  flow.url.searchParams.delete('nonce')
  const callback = await logInByPage(new Browser(server, other), flow, email)
  const checks = { pkceCodeVerifier: flow.verifier, expectedState: flow.state }
  const tokens = await authorizationCodeGrant(application.config, callback, checks)
  expect(tokens.id_token).toBeUndefined()
  expect(await verify(tokens.access_token, orders)).toMatchObject({ scope: 'orders:write' })
})

test('unknown scopes, and those of an API that is not named, are ignored; a scope that the client may not have is refused', async () => {
  const named = await ofUser({ scope: 'openid email orders:read read unheard-of' })
  expect(named.tokens.scope).toBe('orders:read')

  const application = await Application.of(buyer, server, other)
  const flow = await application.start({ scope: 'openid email orders:read unheard-of' })
  const callback = await logInByPage(new Browser(server, other), flow, email)
  expect((await redeem(application, flow, callback)).scope).toBe('openid email')

  const refused = await (await Application.of(modest, server)).start({ scope: 'openid email' })
  const { url } = await new Browser(server, other).open(refused.url)
  expect(url.searchParams.get('error')).toBe('invalid_scope')
})

test('a code is not redeemed for a resource that the user was not asked about', async () => {
  const application = await Application.of(buyer, server, other)
  for (const [resource, redeemed] of [
    [orders, bills],
    [orders, 'https://evil.example'],
    [undefined, orders],
  ]) {
    const flow = await application.start(resource === undefined ? {} : { resource })
    const callback = await logInByPage(new Browser(server, other), flow, email)
    await expect(redeem(application, flow, callback, redeemed)).rejects.toMatchObject({ error: 'invalid_target' })
  }
})

test.each([
  [buyer, 'https://evil.example'],
  [buyer, 'tests'],
  [shop, orders],
] as const)(
  'a request of a client for a resource that it may not use goes back with an error: %#',
  async (client, resource) => {
    const flow = await (await Application.of(client, server)).start({ resource })
    const { url } = await new Browser(server, other).open(flow.url)
    expect(url.searchParams.get('error')).toBe('invalid_target')
    expect(url.searchParams.get('code')).toBeNull()
  },
)

test('consent names the APIs, and covers no other one and no other scope', async () => {
  const user = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email: user, password, name: 'Test User' })
  const application = await Application.of(guest, server, other)
  const browser = new Browser(server, other)
  const first = { resource: orders, scope: 'openid orders:read' }
  const flow = await application.start(first)
  const consent = await browser.submit(await browser.open(flow.url), '/login', { email: user, password })
  expect(consent.text).toContain(`use ${orders}: orders:read`)
  expect(consent.text).not.toContain('orders:write')
  const callback = await browser.submit(consent, '/consent')
  await redeem(application, flow, callback.url, orders)
  const pages = async (parameters: Record<string, string>) =>
    (await browser.open((await application.start(parameters)).url)).text
  expect(await pages(first)).toBe('')
  expect(await pages({ ...first, scope: 'openid orders:write' })).toContain('orders:write')
  expect(await pages({ resource: bills, scope: 'openid read' })).toContain(`use ${bills}: read`)
  expect(await pages({ scope: 'openid email' })).toContain('see your email')
})

test('a server does not start with a client whose resource is its own API', async () => {
  const own = await oidcFiles([{ ...job, resources: [{ uri: 'urn:example:api' }] }])
  const start = startApp({ ...own.environment, JWT_AUDIENCE: 'urn:example:api' })
  await expect(start).rejects.toThrow('resources: urn:example:api is the audience of this server')
})

test.each<[string, OidcClient, Record<string, string>]>([
  ['unknown', buyer, { scope: 'emails' }],
  ['unknown, for a client of another owner', guest, { scope: 'emails' }],
  ['missing', guest, { scope: '' }],
  ['of an API that the request does not name', guest, { scope: 'orders:read' }],
  ['of another API', guest, { scope: 'read', resource: orders }],
])('a request whose scope is %s is refused before the login', async (_what, client, parameters) => {
  const application = await Application.of(client, server, other)
  const { url } = await application.start(parameters)
  // Only OpenID Connect has it.
  url.searchParams.delete('nonce')
  const answer = (await new Browser(server, other).open(url)).url
  expect(answer.href).toContain(client.redirectUris?.[0])
  expect(answer.searchParams.get('error')).toBe('invalid_scope')
  expect(answer.searchParams.get('error_description')).toContain('ask for openid')
})
