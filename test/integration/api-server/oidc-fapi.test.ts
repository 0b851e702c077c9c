import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import {
  authorizationCodeGrant,
  buildAuthorizationUrlWithPAR,
  clientCredentialsGrant,
  fetchUserInfo,
  getDPoPHandle,
  randomDPoPKeyPair,
  refreshTokenGrant,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../../api-server/plugins/app/sessions/session.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { developmentKeys } from '../../../tools/local-servers/signing-keys.ts'
import { type AppForTest, freshDatabase, logIn, startApp } from './app-for-test.ts'
import { Application, Browser, fetchOf, issuer, logInByPage, oidcFiles, shop, withPrivateKey } from './oidc-client.ts'

const orders = 'https://orders.example.com'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsaJwk = { ...(rsa.publicKey.export({ format: 'jwk' }) as { kty: string }), kid: 'rsa' }
const [ecJwk] =
  withPrivateKey.client.authentication.method === 'private_key_jwt'
    ? (withPrivateKey.client.authentication.jwks?.keys ?? [])
    : []
const jwks = { keys: [...(ecJwk === undefined ? [] : [ecJwk]), rsaJwk] }

/** A client of the FAPI 2.0 Security Profile. It has the ID of the one that `withPrivateKey` builds applications for. */
const bank: OidcClient = {
  ...withPrivateKey.client,
  fapi: true,
  grants: ['authorization_code', 'refresh_token', 'client_credentials'],
  resources: [{ uri: orders, scopes: ['orders:read'] }],
  authentication: { method: 'private_key_jwt', jwks },
}
/** A client that signs assertions, without the profile. */
const plain: OidcClient = { ...bank, id: 'plain', name: 'Plain', fapi: false }

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let folder: string
let email: string
let application: Application

beforeAll(async () => {
  const files = await oidcFiles([bank, plain, shop])
  folder = await mkdtemp(join(tmpdir(), 'authservice-fapi-'))
  const environment = {
    ...files.environment,
    JWT_SECRET: '',
    JWT_KEYS_FILE: await developmentKeys(folder),
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  email = (await logIn(server)).email
  application = await withPrivateKey.application(server, other)
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await rm(folder, { recursive: true })
})

/** A code that the client has asked for by PAR, with what it needs to redeem it. */
async function newCode() {
  const DPoP = getDPoPHandle(application.config, await randomDPoPKeyPair('ES256'))
  const flow = await application.start()
  const url = await buildAuthorizationUrlWithPAR(application.config, flow.url.searchParams, { DPoP })
  const callback = await logInByPage(new Browser(server, other), { ...flow, url }, email)
  const checks = { pkceCodeVerifier: flow.verifier, expectedState: flow.state, expectedNonce: flow.nonce }
  return { DPoP, callback, checks }
}

const publishedKeys = async () =>
  createLocalJWKSet((await other.get('/.well-known/jwks.json')).body as unknown as JSONWebKeySet)

test('a client of the profile logs in, refreshes and logs out with openid-client', async () => {
  const { DPoP, callback, checks } = await newCode()
  expect(callback.searchParams.get('iss')).toBe(issuer)
  const tokens = await authorizationCodeGrant(application.config, callback, checks, {}, { DPoP })
  expect(tokens.token_type).toBe('dpop')
  const { protectedHeader, payload } = await jwtVerify(tokens.id_token ?? '', await publishedKeys(), {
    issuer,
    audience: 'bank',
  })
  expect(protectedHeader).toMatchObject({ alg: 'PS256', kid: 'one.PS256' })
  const user = await fetchUserInfo(application.config, tokens.access_token, payload.sub ?? '', { DPoP })
  expect(user.email).toBe(email)
  const next = await refreshTokenGrant(application.config, tokens.refresh_token ?? '', {}, { DPoP })
  const { access_token: token } = next
  expect(next.refresh_token).toBe(tokens.refresh_token)
  expect(await tokenIntrospection(application.config, token)).toMatchObject({ active: true, token_type: 'DPoP' })
  await tokenRevocation(application.config, next.refresh_token ?? '')
  expect(await tokenIntrospection(application.config, token)).toEqual({ active: false })
})

test('a refresh token that stays the same extends the session, and ends with it', async () => {
  const { DPoP, callback, checks } = await newCode()
  const tokens = await authorizationCodeGrant(application.config, callback, checks, {}, { DPoP })
  const refreshToken = tokens.refresh_token ?? ''
  const sessions = server.app.mongo.db.collection<Session>('sessions')
  const _id = String(decodeJwt(tokens.access_token)['sid'])
  const soon = new Date(Date.now() + 60_000)
  await sessions.updateOne({ _id }, { $set: { idleExpiresAt: soon, accessUntil: soon } })
  const all = await Promise.all(
    Array.from({ length: 4 }, () => refreshTokenGrant(application.config, refreshToken, {}, { DPoP })),
  )
  expect(new Set(all.map(({ refresh_token }) => refresh_token))).toEqual(new Set([refreshToken]))
  const session = await sessions.findOne({ _id })
  expect(session?.idleExpiresAt.getTime()).toBeGreaterThan(soon.getTime())
  expect(session?.accessUntil.getTime()).toBeGreaterThan(soon.getTime())
  expect(session?.recent).toEqual([])
  await server.app.revocation.revokeSession(_id, 'admin')
  await expect(refreshTokenGrant(application.config, refreshToken, {}, { DPoP })).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  await expect
    .poll(async () => (await tokenIntrospection(application.config, all[0]?.access_token ?? '')).active)
    .toBe(false)
})

test('the discovery document names what the profile needs', async () => {
  const { body } = await server.get('/.well-known/openid-configuration')
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']
  expect(body).toMatchObject({
    id_token_signing_alg_values_supported: ['RS256', 'PS256'],
    authorization_response_iss_parameter_supported: true,
    code_challenge_methods_supported: ['S256'],
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
  })
  expect(body['introspection_endpoint_auth_methods_supported']).toContain('private_key_jwt')
})

test('a request of the browser that was not pushed is refused', async () => {
  const page = await new Browser(server, other).open((await application.start()).url)
  expect(page.url.searchParams.get('code')).toBeNull()
  expect(page.url.searchParams.get('error')).toBe('invalid_request')
})

test('a token is bound, or there is none', async () => {
  const { callback, checks, DPoP } = await newCode()
  const refused = { error: 'invalid_grant' }
  await expect(authorizationCodeGrant(application.config, callback, checks)).rejects.toMatchObject(refused)
  const tokens = await authorizationCodeGrant(application.config, callback, checks, {}, { DPoP })
  await expect(application.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject(refused)
  await expect(clientCredentialsGrant(application.config)).rejects.toMatchObject(refused)
  const { access_token: token } = await clientCredentialsGrant(application.config, {}, { DPoP })
  expect(decodeJwt(token)).toMatchObject({ sub: 'bank', aud: orders, cnf: { jkt: expect.any(String) } })
})

interface AssertionOptions {
  client?: string
  claims?: JWTPayload
  header?: { alg: string; kid?: string; typ?: string }
  key?: Parameters<SignJWT['sign']>[0]
}

/** An assertion with which everything is right, and what differs. */
function assertion({
  client = 'plain',
  claims = {},
  header,
  key = withPrivateKey.key,
}: AssertionOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const right = { iss: client, sub: client, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60 }
  return new SignJWT({ ...right, ...claims }).setProtectedHeader(header ?? { alg: 'ES256', kid: 'bank' }).sign(key)
}

const endpoints = ['/oauth/token', '/oauth/introspect', '/oauth/revoke'] as const

/** A request by which the client asks for a token, asks about one, or ends one. */
async function request(path: (typeof endpoints)[number], jwt: string, more: Record<string, string> = {}, at = server) {
  const body = new URLSearchParams({
    ...(path === '/oauth/token' ? { grant_type: 'client_credentials' } : { token: 'unknown' }),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
    ...more,
  })
  const answer = await fetchOf(at)(issuer + path, { method: 'POST', body })
  return { status: answer.status, text: await answer.text() }
}

test.each(endpoints)('an assertion is accepted once on all servers by %s', async (path) => {
  for (const options of [{}, { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }]) {
    const jwt = await assertion(options)
    const answers = await Promise.all([server, other].map((at) => request(path, jwt, { client_id: 'plain' }, at)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
  }
})

test('an assertion counts once at all endpoints together', async () => {
  for (const order of [endpoints, endpoints.toReversed()]) {
    const jwt = await assertion()
    const statuses: number[] = []
    for (const path of order) statuses.push((await request(path, jwt)).status)
    expect(statuses).toEqual([200, 401, 401])
  }
})

const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicPem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }))

const wrongAssertions: [string, AssertionOptions][] = [
  ['of another key', { key: thief.privateKey }],
  ['of another key with the name of the right one', { key: thief.privateKey, header: { alg: 'ES256', kid: 'bank' } }],
  ['by HMAC with the public key', { header: { alg: 'HS256', kid: 'rsa' }, key: new TextEncoder().encode(publicPem) }],
  ['for another server', { claims: { aud: 'https://evil.example' } }],
  ['for no server', { claims: { aud: undefined } as unknown as JWTPayload }],
  ['about another client', { claims: { sub: 'shop' } }],
  ['of another client', { claims: { iss: 'shop' } }],
  ['of a client that does not exist', { claims: { iss: 'nobody', sub: 'nobody' } }],
  ['that has expired', { claims: { exp: Math.floor(Date.now() / 1_000) - 120 } }],
  ['that never expires', { claims: { exp: undefined } as unknown as JWTPayload }],
  ['that expires in a day', { claims: { exp: Math.floor(Date.now() / 1_000) + 86_400 } }],
  ['of the future', { claims: { nbf: Math.floor(Date.now() / 1_000) + 86_400 } }],
  ['without a jti', { claims: { jti: undefined } as unknown as JWTPayload }],
]
test.each(wrongAssertions)('an assertion %s is refused everywhere', async (_what, options) => {
  for (const path of endpoints) expect((await request(path, await assertion(options))).status).toBe(401)
})

test('an assertion without a signature, beside other credentials, or with another client_id is refused', async () => {
  const [, body] = (await assertion()).split('.')
  const head = Buffer.from('{"alg":"none"}').toString('base64url')
  for (const path of endpoints) {
    for (const jwt of [`${head}.${body}.`, 'no-jwt', '']) {
      expect([400, 401]).toContain((await request(path, jwt)).status)
    }
    expect([400, 401]).toContain((await request(path, await assertion(), { client_id: 'shop' })).status)
    const twice = { client_id: 'plain', client_secret: 'a' }
    expect([400, 401]).toContain((await request(path, await assertion(), twice)).status)
  }
})

test.each<[string, AssertionOptions]>([
  ['with RS256', { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }],
  ['for the token endpoint', { claims: { aud: `${issuer}/oauth/token` } }],
  ['for a list of servers', { claims: { aud: [issuer, 'https://evil.example'] } }],
])('the profile refuses an assertion %s', async (_what, options) => {
  for (const path of endpoints) {
    expect((await request(path, await assertion({ ...options, client: 'bank' }))).status).toBe(401)
  }
})

test('a client sees and ends only its own tokens', async () => {
  const { access_token: token } = await clientCredentialsGrant((await Application.withKey(plain, server, other)).config)
  expect(JSON.parse((await request('/oauth/introspect', await assertion(), { token })).text)).toMatchObject({
    active: true,
  })
  const ofBank = await assertion({ client: 'bank' })
  expect(JSON.parse((await request('/oauth/introspect', ofBank, { token })).text)).toEqual({ active: false })
})
