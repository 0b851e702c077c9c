import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  calculateJwkThumbprint,
  decodeJwt,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import {
  authorizationCodeGrant,
  clientCredentialsGrant,
  fetchUserInfo,
  getDPoPHandle,
  refreshTokenGrant,
} from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { startMongo } from '../../../tools/local-servers/mongo.ts'
import { developmentKeys } from '../../../tools/local-servers/signing-keys.ts'
import { type AppForTest, freshDatabase, logIn, startApp } from './app-for-test.ts'
import {
  Application,
  Browser,
  fetchOf,
  issuer,
  logInByPage,
  news,
  oidcFiles,
  redirectUri,
  secret,
  shop,
} from './oidc-client.ts'

const orders = 'https://orders.example.com'
const { redirectUris, postLogoutRedirectUris, scopes, ...confidential } = shop
const job: OidcClient = {
  ...confidential,
  id: 'job',
  grants: ['client_credentials'],
  resources: [{ uri: orders, scopes: ['orders:read'] }],
}
/** A single-page application. */
const spa: OidcClient = { ...news, id: 'spa', firstParty: true, redirectUris: [redirectUri] }
/** A client that gets bound tokens only. */
const strict: OidcClient = { ...shop, id: 'strict', dpopBoundAccessTokens: true }

/** Two servers of one deployment. */
let server: AppForTest
let other: AppForTest
let environment: ServerEnvironment
let folder: string
let email: string
let key: Key
let otherKey: Key

interface Key extends GenerateKeyPairResult {
  jwk: JWK
  jkt: string
}

async function newKey(): Promise<Key> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(pair.publicKey)
  return { ...pair, jwk, jkt: await calculateJwkThumbprint(jwk) }
}

beforeAll(async () => {
  const files = await oidcFiles([shop, spa, strict, job])
  folder = await mkdtemp(join(tmpdir(), 'authservice-dpop-'))
  environment = {
    ...files.environment,
    JWT_SECRET: '',
    JWT_KEYS_FILE: await developmentKeys(folder),
    OAUTH_CLIENTS: `gateway:${shop.authentication.method === 'secret' ? shop.authentication.secretHashes[0] : ''}`,
    DATABASE_NAME: freshDatabase(),
  }
  server = await startApp(environment)
  other = await startApp(environment)
  email = (await logIn(server)).email
  key = await newKey()
  otherKey = await newKey()
})
afterAll(async () => {
  await Promise.all([server.close(), other.close()])
  await rm(folder, { recursive: true })
})

interface ProofOptions {
  by?: Key
  claims?: JWTPayload
  header?: object
}

const userinfo = { htm: 'GET', htu: `${issuer}/oauth/userinfo` }
const original = { htm: 'POST', htu: 'https://api.example.com/orders/7' }
const now = () => Math.floor(Date.now() / 1_000)

/** A proof with which everything is right, and what differs. A claim that is undefined is left out. */
function proofFor(token: string, { by = key, claims = {}, header = {} }: ProofOptions = {}): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url')
  return new SignJWT({ jti: randomUUID(), iat: now(), ath, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk, ...header })
    .sign(by.privateKey)
}

/** The tokens of a client that proves `by` at the token endpoint. */
async function tokensOf(client: OidcClient, by: Key = key) {
  const application = await Application.of(client, server, other)
  const flow = await application.start()
  const callback = await logInByPage(new Browser(server, other), flow, email)
  const { verifier: pkceCodeVerifier, state: expectedState, nonce: expectedNonce } = flow
  const DPoP = getDPoPHandle(application.config, by)
  const checks = { pkceCodeVerifier, expectedState, expectedNonce }
  return { application, DPoP, tokens: await authorizationCodeGrant(application.config, callback, checks, {}, { DPoP }) }
}

test('a client that proves a key gets tokens that are bound to it, and uses them by openid-client', async () => {
  const { application, DPoP, tokens } = await tokensOf(shop)
  expect(tokens.token_type).toBe('dpop')
  expect(decodeJwt(tokens.access_token)['cnf']).toEqual({ jkt: key.jkt })
  const claims = await fetchUserInfo(application.config, tokens.access_token, tokens.claims()?.sub ?? '', { DPoP })
  expect(claims.email).toBe(email)
  const next = await refreshTokenGrant(application.config, tokens.refresh_token ?? '', {}, { DPoP })
  expect(decodeJwt(next.access_token)['cnf']).toEqual({ jkt: key.jkt })
})

test('a client that proves none gets tokens as before', async () => {
  const application = await Application.of(shop, server, other)
  const flow = await application.start()
  const tokens = await application.redeem(flow, await logInByPage(new Browser(server, other), flow, email))
  expect(tokens.token_type).toBe('bearer')
  expect(Object.keys(decodeJwt(tokens.access_token))).not.toContain('cnf')
})

test('the discovery document names the algorithms of proofs', async () => {
  const { body } = await server.get('/.well-known/openid-configuration')
  expect(body['dpop_signing_alg_values_supported']).toEqual(['ES256', 'PS256', 'EdDSA', 'Ed25519'])
})

/** A request to userinfo with a bound token. */
async function askUserinfo(token: string, proof: string | undefined, scheme = 'DPoP', at = server) {
  const headers = { authorization: `${scheme} ${token}`, ...(proof !== undefined && { dpop: proof }) }
  return await at.get('/oauth/userinfo', headers)
}

/** A question of a gateway, with the request that it asks about. */
async function askVerify(
  token: string,
  proof: string | undefined,
  { headers = {}, url = '/v1/auth/verify?scope=openid&dpop=original', scheme = 'DPoP', at = server } = {},
) {
  const about = { 'x-original-method': 'POST', 'x-original-url': 'https://api.example.com/orders/7?page=2' }
  return await at.get(url, {
    authorization: `${scheme} ${token}`,
    ...(proof !== undefined && { dpop: proof }),
    ...about,
    ...headers,
  })
}

const refused = { status: 401, body: { code: 'invalid_dpop_proof' } }

test.each<[string, ProofOptions]>([
  ['for another method', { claims: { htm: 'DELETE' } }],
  ['for another path', { claims: { htu: `${issuer}/oauth/token` } }],
  ['for another host', { claims: { htu: 'https://evil.example/oauth/userinfo' } }],
  ['for http instead of https', { claims: { htu: 'http://auth.example.com/oauth/userinfo' } }],
  ['for a path with another one in front', { claims: { htu: `${issuer}/a/oauth/userinfo` } }],
  ['with a URL that is none', { claims: { htu: 'oauth/userinfo' } }],
  ['without a URL', { claims: { htu: undefined } }],
  ['without a method', { claims: { htm: undefined } }],
  ['for another token', { claims: { ath: createHash('sha256').update('other').digest('base64url') } }],
  ['for no token', { claims: { ath: undefined } }],
  ['without a jti', { claims: { jti: undefined } as unknown as JWTPayload }],
  ['without a time', { claims: { iat: undefined } as unknown as JWTPayload }],
  ['of six minutes ago', { claims: { iat: Math.floor(Date.now() / 1_000) - 360 } }],
  ['of the future', { claims: { iat: Math.floor(Date.now() / 1_000) + 86_400 } }],
  ['that is a JWT of another type', { header: { typ: 'JWT' } }],
  ['with a symmetric algorithm', { header: { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } } }],
])('a proof %s is refused', async (_what, options) => {
  const { tokens } = await tokensOf(shop)
  const claims = { ...userinfo, ...options.claims }
  const proof = await proofFor(tokens.access_token, { ...options, claims }).catch(() =>
    unsigned(options.header, claims),
  )
  const answer = await askUserinfo(tokens.access_token, proof)
  expect(answer).toMatchObject(refused)
  expect(answer.headers['www-authenticate']).toMatch(/^DPoP realm="auth", error="invalid_dpop_proof", algs="ES256 /)
  // The right one passes.
  expect(
    await askUserinfo(tokens.access_token, await proofFor(tokens.access_token, { claims: userinfo })),
  ).toMatchObject({
    status: 200,
    body: { email },
  })
})

/** What a library refuses to sign. */
function unsigned(header: object = {}, claims: object = {}): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  return `${part({ typ: 'dpop+jwt', ...header })}.${part({ jti: randomUUID(), iat: now(), ...claims })}.c2ln`
}

test('a bound token is refused without a proof, with that of another key, as Bearer, and with no signature', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const proof = (options: ProofOptions = {}) => proofFor(token, { claims: userinfo, ...options })
  const [head, body] = (await proof()).split('.')
  const forged: (string | undefined)[] = [
    undefined,
    '',
    'no-jwt',
    await proof({ by: otherKey }),
    // The key of the client, and the signature of the thief.
    await proof({ by: { ...otherKey, jwk: key.jwk } }),
    unsigned({ alg: 'none', jwk: key.jwk }, userinfo),
    `${head}.${body}.`,
    `${await proof()}, ${await proof()}`,
  ]
  for (const each of forged) expect(await askUserinfo(token, each)).toMatchObject(refused)
  for (const scheme of ['Bearer', 'bearer']) {
    expect(await askUserinfo(token, await proof(), scheme)).toMatchObject(refused)
    expect(await askVerify(token, await proofFor(token, { claims: original }), { scheme })).toMatchObject(refused)
  }
  // A private key in the header is a fault of the client that must not go unnoticed.
  const jwk = await exportJWK(key.privateKey)
  expect(await askUserinfo(token, await proof({ by: { ...key, jwk } }))).toMatchObject(refused)
})

test('a token that is bound to no key does not pass with the scheme DPoP', async () => {
  const { accessToken } = await logIn(server)
  const proof = await proofFor(accessToken, { claims: original })
  expect(await askVerify(accessToken, proof)).toMatchObject({ status: 401, body: { code: 'token_invalid' } })
  expect(await askVerify(accessToken, undefined, { scheme: 'Bearer' })).toMatchObject({ status: 200 })
  const me = await server.get('/v1/me', { authorization: `DPoP ${accessToken}`, dpop: proof })
  expect(me).toMatchObject({ status: 401, body: { code: 'token_missing' } })
})

test('a bound token gives no access to the account of its user', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  for (const scheme of ['DPoP', 'Bearer']) {
    const proof = await proofFor(token, { claims: { htm: 'GET', htu: `${issuer}/v1/me` } })
    expect((await server.get('/v1/me', { authorization: `${scheme} ${token}`, dpop: proof })).status).toBe(401)
  }
})

test('a proof counts once on all servers', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  for (let round = 0; round < 10; round++) {
    const proof = await proofFor(token, { claims: userinfo })
    const answers = await Promise.all([server, other].map((at) => askUserinfo(token, proof, 'DPoP', at)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
  }
  const proof = await proofFor(token, { claims: original })
  const answers = await Promise.all([server, other].map((at) => askVerify(token, proof, { at })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
})

test('a proof is remembered for as long as it would be accepted, also if its time is in the future', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const iat = now() + 200
  const jti = randomUUID()
  expect(await askUserinfo(token, await proofFor(token, { claims: { ...userinfo, iat, jti } }))).toMatchObject({
    status: 200,
  })
  const states = server.app.mongo.db.collection<{ expiresAt: Date }>('oauth_state')
  const [latest] = await states.find({ kind: 'ReplayDetection' }).sort({ expiresAt: -1 }).limit(1).toArray()
  expect(latest?.expiresAt.getTime()).toBeGreaterThan((iat + 300) * 1_000)
})

test('a gateway that names the original request lets a bound token pass, and learns of the client', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const answer = await askVerify(token, await proofFor(token, { claims: original }))
  expect(answer).toMatchObject({ status: 200, body: { client_id: 'shop' } })
  expect(answer.headers).toMatchObject({ 'x-auth-client': 'shop' })
})

test.each<[string, Parameters<typeof askVerify>[2]]>([
  ['that does not promise to name the request', { url: '/v1/auth/verify?scope=openid' }],
  ['that promises it twice', { url: '/v1/auth/verify?scope=openid&dpop=original&dpop=original' }],
  ['behind a path, whose query its client chooses', { url: '/v1/auth/verify/orders/7?scope=openid&dpop=original' }],
  ['that asks about another method', { headers: { 'x-original-method': 'DELETE' } }],
  ['that asks about another path', { headers: { 'x-original-url': 'https://api.example.com/orders/8' } }],
  ['that asks about another host', { headers: { 'x-original-url': 'https://admin.example.com/orders/7' } }],
  ['that asks about another scheme', { headers: { 'x-original-url': 'http://api.example.com/orders/7' } }],
  ['that names two methods', { headers: { 'x-original-method': 'POST, DELETE' } }],
  ['that names two URLs', { headers: { 'x-original-url': `${original.htu}, https://evil.example/` } }],
  ['that names user information', { headers: { 'x-original-url': 'https://evil@api.example.com/orders/7' } }],
  ['that names a path alone', { headers: { 'x-original-url': '/orders/7' } }],
  ['that names no method', { headers: { 'x-original-method': '' } }],
])('a bound token does not pass a gateway %s', async (_what, options) => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const answer = await askVerify(token, await proofFor(token, { claims: original }), options)
  expect([401, 403]).toContain(answer.status)
  expect(answer.headers['x-auth-user']).toBeUndefined()
})

test('a client that must prove a key gets nothing without a proof', async () => {
  const application = await Application.of(strict, server, other)
  const flow = await application.start()
  const callback = await logInByPage(new Browser(server, other), flow, email)
  await expect(application.redeem(flow, callback)).rejects.toMatchObject({ error: 'invalid_grant' })
  const { tokens } = await tokensOf(strict)
  await expect(application.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('the refresh token of a public client is bound to its key, that of a confidential one to its secret', async () => {
  const { application, tokens, DPoP } = await tokensOf(spa)
  const refreshToken = tokens.refresh_token ?? ''
  const thief = getDPoPHandle(application.config, otherKey)
  const refused = { error: 'invalid_grant' }
  await expect(refreshTokenGrant(application.config, refreshToken)).rejects.toMatchObject(refused)
  await expect(refreshTokenGrant(application.config, refreshToken, {}, { DPoP: thief })).rejects.toMatchObject(refused)
  // Neither attempt has used it up.
  const next = await refreshTokenGrant(application.config, refreshToken, {}, { DPoP })
  await expect(
    refreshTokenGrant(application.config, next.refresh_token ?? '', {}, { DPoP: thief }),
  ).rejects.toMatchObject(refused)
  const ofShop = await tokensOf(shop)
  const moved = await refreshTokenGrant(
    ofShop.application.config,
    ofShop.tokens.refresh_token ?? '',
    {},
    { DPoP: thief },
  )
  expect(decodeJwt(moved.access_token)['cnf']).toEqual({ jkt: otherKey.jkt })
})

test('a code that was asked for with dpop_jkt is redeemed only with this key', async () => {
  const application = await Application.of(shop, server, other)
  for (const [by, isRight] of [
    [otherKey, false],
    [key, true],
  ] as const) {
    const flow = await application.start({ dpop_jkt: key.jkt })
    const callback = await logInByPage(new Browser(server, other), flow, email)
    const checks = { pkceCodeVerifier: flow.verifier, expectedState: flow.state, expectedNonce: flow.nonce }
    const DPoP = getDPoPHandle(application.config, by)
    const redeemed = authorizationCodeGrant(application.config, callback, checks, {}, { DPoP })
    if (isRight) expect((await redeemed).token_type).toBe('dpop')
    else await expect(redeemed).rejects.toMatchObject({ error: 'invalid_grant' })
  }
})

/** A request of the token endpoint with one proof, which a library would not send twice. */
async function askToken(proof: string, at: AppForTest) {
  const answer = await fetchOf(at)(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`job:${secret}`)}`, dpop: proof },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

test('a proof at the token endpoint counts once on all servers, and only there', async () => {
  const atToken = { htm: 'POST', htu: `${issuer}/oauth/token`, ath: undefined } as unknown as JWTPayload
  for (let round = 0; round < 5; round++) {
    const proof = await proofFor('', { claims: atToken })
    const answers = await Promise.all([askToken(proof, server), askToken(proof, other)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  }
  const elsewhere = await askToken(await proofFor('', { claims: { ...atToken, htu: `${issuer}/oauth/par` } }), server)
  expect(elsewhere).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
})

test('the token of a job is bound, and introspection tells the API of the key', async () => {
  const { config } = await Application.of(job, server, other)
  const { access_token: token } = await clientCredentialsGrant(config, {}, { DPoP: getDPoPHandle(config, key) })
  expect(decodeJwt(token)['cnf']).toEqual({ jkt: key.jkt })
  const ofUser = (await tokensOf(shop)).tokens.access_token
  for (const each of [token, ofUser]) {
    const answer = await fetchOf(other)(`${issuer}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`gateway:${secret}`)}` },
      body: new URLSearchParams({ token: each }),
    })
    expect(await answer.json()).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } })
  }
})

test('a server without a provider refuses bound tokens that another one has issued', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const off = await startApp({
    JWT_SECRET: '',
    JWT_KEYS_FILE: await developmentKeys(folder),
    JWT_ISSUER: issuer,
    DATABASE_NAME: server.config.mongodb.database,
  })
  expect(await askVerify(token, await proofFor(token, { claims: original }), { at: off })).toMatchObject(refused)
  await off.close()
})

test('verify refuses no bound token for a database that is unavailable, but answers 503', async () => {
  const { access_token: token } = (await tokensOf(shop)).tokens
  const mongo = await startMongo()
  const lost = await startApp({ ...environment, MONGODB_URL: mongo.url, DATABASE_NAME: freshDatabase() })
  try {
    const ask = async () => askVerify(token, await proofFor(token, { claims: original }), { at: lost })
    expect(await ask()).toMatchObject({ status: 200 })
    await mongo.stop()
    expect(await ask()).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
  } finally {
    await lost.close()
    await mongo.remove()
  }
})
