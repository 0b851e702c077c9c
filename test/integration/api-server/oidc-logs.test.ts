import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { freshDatabase } from './app-for-test.ts'
import { issuer, oidcFiles, redirectUri, secret, shop } from './oidc-client.ts'
import { type StartedServer, startServer } from './started-server.ts'

const mark = randomBytes(6).toString('hex')
let server: StartedServer

beforeAll(async () => {
  const redis = inject('redis')
  const { environment } = await oidcFiles([shop])
  server = await startServer({
    ...environment,
    ENVIRONMENT: 'development',
    LOG_LEVEL: 'trace',
    LOG_REQUESTS: 'all',
    MONGODB_URL: inject('mongoUrl'),
    DATABASE_NAME: freshDatabase(),
    MIGRATE_ON_START: 'true',
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    JWT_SECRET: randomBytes(32).toString('base64url'),
    BCRYPT_COST: '10',
  })
})
afterAll(() => server?.stop())

test('the log does not say which login a page belongs to, nor what applications and users send', async () => {
  const form = 'application/x-www-form-urlencoded'
  const call = (path: string, init: RequestInit = {}) => fetch(server.api + path, { redirect: 'manual', ...init })
  const parameters = new URLSearchParams({
    client_id: 'shop',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    state: `state-${mark}`,
    login_hint: `hint-${mark}@example.com`,
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  })
  const begun = await call(`/oauth/authorize?${parameters}`)
  const uid = String(begun.headers.get('location')).split('/').at(-1) ?? ''
  expect(uid.length).toBeGreaterThan(20)
  const cookie = `__Secure-interaction=${uid}`
  const page = `/oauth/interaction/${uid}`
  expect((await call(page, { headers: { cookie } })).status).toBe(200)
  expect((await call(page)).status).toBe(400)
  const body = `email=user-${mark}@example.com&password=word-${mark}`
  const login = await call(`${page}/login`, {
    method: 'POST',
    headers: { cookie, origin: issuer, 'content-type': form },
    body,
  })
  expect(login.status).toBe(401)
  await call(`/oauth/authorize/${uid}`)
  await call('/oauth/token', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`shop:${secret}`).toString('base64')}`, 'content-type': form },
    body: `grant_type=authorization_code&code=code-${mark}&redirect_uri=${redirectUri}&code_verifier=${'A'.repeat(43)}`,
  })
  await call('/nowhere/end-of-the-test', { headers: { 'x-request-id': 'the-last-one' } })
  await expect.poll(() => server.output()).toContain('the-last-one')
  const output = server.output()
  expect(output).toContain('"route":"/oauth/interaction/:uid/login"')
  const basic = Buffer.from(`shop:${secret}`).toString('base64')
  for (const hidden of [uid, mark, secret, basic]) expect(output).not.toContain(hidden)
})
