import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, startApp } from './app-for-test.ts'

const secret = randomBytes(32).toString('base64url')
const nextSecret = randomBytes(32).toString('base64url')
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const OAUTH_CLIENTS = `gateway:${hashOf(secret)}\ngateway:${hashOf(nextSecret)}`
const asGateway = { authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}` }

/** Two servers of one deployment. */
let one: AppForTest
let other: AppForTest

beforeAll(async () => {
  const DATABASE_NAME = freshDatabase()
  one = await startApp({ DATABASE_NAME, OAUTH_CLIENTS })
  other = await startApp({ DATABASE_NAME, OAUTH_CLIENTS })
})

afterAll(() => Promise.all([one.close(), other.close()]))

async function form(path: string, fields: Record<string, string>, headers: Record<string, string> = asGateway) {
  const answer = await one.app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(fields).toString(),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? {} : answer.json() }
}

const introspect = (token: string) => form('/oauth/introspect', { token })

describe('introspection', () => {
  test('describes an access token, and a refresh token without using it', async () => {
    const { accessToken, refreshToken } = await logIn(one)
    const access = await introspect(accessToken)
    expect(access).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: { active: true, token_use: 'access', token_type: 'Bearer', iss: 'https://auth.example.com', role: 'user' },
    })
    for (let look = 0; look < 2; look++) {
      const refresh = await introspect(refreshToken)
      expect(refresh.body).toMatchObject({ active: true, token_use: 'refresh', sid: access.body.sid })
    }
    expect((await one.post('/v1/auth/refresh', { refresh_token: refreshToken })).status).toBe(200)
  })

  test('says only `active: false` of an invalid token, whatever the reason', async () => {
    const { accessToken, refreshToken, bearer } = await logIn(one)
    await one.post('/v1/auth/logout', {}, bearer)
    for (const token of [accessToken, refreshToken, 'no token', `${accessToken}x`]) {
      expect(await introspect(token)).toMatchObject({ status: 200, body: { active: false } })
      expect(Object.keys((await introspect(token)).body)).toEqual(['active'])
    }
  })

  test('says that a refresh token is inactive when another program has disabled its user', async () => {
    const { email, refreshToken } = await logIn(one)
    const users = one.app.mongo.db.collection(one.config.mongodb.usersCollection)
    await users.updateOne({ email }, { $set: { is_active: false } })
    expect((await introspect(refreshToken)).body).toEqual({ active: false })
  })
})

describe('revocation', () => {
  test.each(['accessToken', 'refreshToken'] as const)('by an %s ends the session on every server', async (kind) => {
    const tokens = await logIn(one)
    expect(await form('/oauth/revoke', { token: tokens[kind] })).toMatchObject({ status: 200, body: {} })
    await expect
      .poll(async () => (await other.get('/v1/auth/verify', tokens.bearer)).status, { interval: 10 })
      .toBe(401)
    expect(await other.post('/v1/auth/refresh', { refresh_token: tokens.refreshToken })).toMatchObject({
      status: 401,
      body: { code: 'session_revoked' },
    })
  })

  test('of an unknown token succeeds, and ends no session', async () => {
    const { accessToken, refreshToken, bearer } = await logIn(one)
    const [sessionId] = refreshToken.split('.')
    const made = [`${sessionId}.${'A'.repeat(43)}`, `${accessToken.slice(0, -4)}AAAA`, 'no token']
    for (const token of made) expect((await form('/oauth/revoke', { token })).status).toBe(200)
    expect((await one.get('/v1/auth/verify', bearer)).status).toBe(200)
  })
})

describe('a client', () => {
  test('authenticates by Basic or in the body, with each of its secrets', async () => {
    const posted = { token: 'x', client_id: 'gateway', client_secret: nextSecret }
    expect((await form('/oauth/introspect', posted, {})).status).toBe(200)
    expect((await form('/oauth/introspect', { token: 'x' })).status).toBe(200)
  })

  test('that is unknown gets the error of RFC 6749 before its request is validated', async () => {
    const wrong = { authorization: `Basic ${Buffer.from(`gateway:${secret}x`).toString('base64')}` }
    for (const headers of [{}, wrong, { authorization: 'Bearer x' }]) {
      expect(await form('/oauth/revoke', {}, headers as Record<string, string>)).toMatchObject({
        status: 401,
        headers: { 'content-type': expect.stringContaining('application/json'), 'www-authenticate': /^Basic realm=/ },
        body: { error: 'invalid_client', error_description: expect.any(String), request_id: expect.any(String) },
      })
    }
  })

  test('that sends its secret twice, no token, two tokens or no form gets an error that says so', async () => {
    const twice = await form('/oauth/introspect', { token: 'x', client_id: 'gateway', client_secret: secret })
    expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request', code: 'bad_request' } })
    expect(await form('/oauth/introspect', {})).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const headers = { ...asGateway, 'content-type': 'application/x-www-form-urlencoded' }
    const doubled = await one.app.inject({ method: 'POST', url: '/oauth/revoke', headers, payload: 'token=a&token=b' })
    expect(doubled.json()).toMatchObject({ error: 'invalid_request', code: 'validation_failed' })
    const json = await one.post('/oauth/introspect', { token: 'x' }, asGateway)
    expect(json).toMatchObject({ status: 415, body: { error: 'invalid_request', code: 'unsupported_media_type' } })
  })

  test('that sends more than the API description allows gets an error, whatever it sends', async () => {
    for (const path of ['/oauth/introspect', '/oauth/revoke']) {
      const longer = [{ token: 'x'.repeat(8_193) }, { token: 'x', token_type_hint: 'x'.repeat(65) }]
      for (const fields of longer) {
        expect(await form(path, fields)).toMatchObject({ status: 400, body: { code: 'validation_failed' } })
      }
      expect((await form(path, { token: 'x'.repeat(8_192) })).status).toBe(200)
    }
  })

  test('that guesses secrets is limited, and another one with the right secret is served from the same address', async () => {
    const strict = await startApp({ OAUTH_CLIENTS, RATE_LIMIT_LOGIN: '2/m' })
    const call = async (headers: Record<string, string>) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const url = '/oauth/introspect'
      return strict.app.inject({ method: 'POST', url, headers: { ...type, ...headers }, payload: 'token=x' })
    }
    try {
      const statuses = []
      for (let guess = 0; guess < 3; guess++) statuses.push((await call({})).statusCode)
      expect(statuses.at(-1)).toBe(429)
      expect((await call(asGateway)).statusCode).toBe(200)
    } finally {
      await strict.close()
    }
  })
})
