import { createHash } from 'node:crypto'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operationsOf } from '../../../api-server/plugins/app/documentation/document.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import {
  type Answer,
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  logInAsAdmin,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'
import { exampleRequest } from './contract/example-request.ts'
import {
  bearerOf,
  beginEnrolling,
  confirm as confirmAt,
  enrolAtLogin as enrolAtLoginOf,
  newEmail,
  refresh,
  remove as removeAt,
  start as startAt,
  userOf as userAt,
} from './enrolling.ts'
import { addTotp, enrol, firstStep, mfaEnvironment } from './second-factor.ts'

/** Second factors that the server requires: of everybody, of administrators, and after a grace period. */
const clientSecret = 'the secret of a client in a test, long enough'
const environment: ServerEnvironment = {
  ...mfaEnvironment,
  DATABASE_NAME: freshDatabase(),
  OAUTH_CLIENTS: `gateway:${createHash('sha256').update(clientSecret).digest('hex')}`,
}
/** Servers of one deployment, before and after its policy changed. */
let optional: AppForTest
let required: AppForTest
let ofAdmins: AppForTest

beforeAll(async () => {
  optional = await startApp(environment)
  required = await startApp({ ...environment, MFA_MODE: 'required' })
  ofAdmins = await startApp({ ...environment, MFA_REQUIRED_ROLES: 'admin' })
})
afterAll(() => Promise.all([optional.close(), required.close(), ofAdmins.close()]))

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const start = (user: Parameters<typeof startAt>[1], server = required) => startAt(server, user)
const confirm = (user: Parameters<typeof startAt>[1], started: Answer, server = required) =>
  confirmAt(server, user, started)
const remove = (factor: Parameters<typeof removeAt>[1], server = required) => removeAt(server, factor)
const enrolAtLogin = () => enrolAtLoginOf(required)
const userOf = (email: string) => userAt(required, email)
const setRole = async (email: string, role: 'admin' | 'user') =>
  optional.patch(`/v1/admin/users/${(await userOf(email))._id}`, { role }, (await logInAsAdmin(optional)).bearer)

test('a user without a second factor enrols one after the password, and has a session of two factors', async () => {
  const user = await beginEnrolling(required)
  const started = await start(user)
  expect(started.status).toBe(201)
  const confirmed = await confirm(user, started)
  expect(confirmed).toMatchObject({ status: 200, body: { user: { email: user.email } } })
  expect(confirmed.body['recovery_codes']).toHaveLength(10)
  const tokens = tokensOf(confirmed.body)
  expect(claimsOf(tokens.accessToken)).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] })
  expect((await required.get('/v1/me', tokens.bearer)).status).toBe(200)
  expect((await refresh(required, tokens)).status).toBe(200)
  expect((await userOf(user.email)).last_login?.getTime()).toBeGreaterThan(Date.now() - 60_000)
  expect(await required.get('/v1/me/mfa', tokens.bearer)).toMatchObject({
    body: { factors: [{ name: 'Phone' }], required_from: expect.any(String) },
  })
  // The next login needs a code.
  expect(await firstStep(required, user)).toMatch(/^[\w-]{43}$/)
})

test('no route but the two that enrol an app accepts the token of an enrolment', async () => {
  const { bearer, token } = await beginEnrolling(required)
  // The document is OpenAPI 3.1.
  const operations = operationsOf(required.app.swagger() as OpenApi.Document).filter(({ operation }) =>
    operation.security?.some((scheme) => 'bearer' in scheme),
  )
  const others = operations.filter(
    ({ operation }) => !['startTotp', 'confirmTotp'].includes(operation.operationId ?? ''),
  )
  expect(others.length).toBeGreaterThan(20)
  expect(operations.length - others.length).toBe(2)
  const answers = await Promise.all(
    others.map(async (operation) => {
      const example = exampleRequest(operation)
      const answer = await required.app.inject({ ...example, headers: { ...example.headers, ...bearer } })
      return [operation.operation.operationId, answer.statusCode, answer.json().code, answer.json().detail]
    }),
  )
  const detail = 'This token is good only for enrolling a second factor. Enrol one first.'
  expect(answers).toEqual(others.map(({ operation }) => [operation.operationId, 401, 'token_invalid', detail]))

  const asClient = { authorization: `Basic ${Buffer.from(`gateway:${clientSecret}`).toString('base64')}` }
  const form = { ...asClient, 'content-type': 'application/x-www-form-urlencoded' }
  const payload = new URLSearchParams({ token }).toString()
  const introspected = await required.app.inject({ method: 'POST', url: '/oauth/introspect', headers: form, payload })
  expect(introspected.json()).toEqual({ active: false })
})

test('a refresh of a session without a second factor ends it once the policy requires one', async () => {
  const before = await logIn(optional)
  const asClient = { authorization: `Basic ${Buffer.from(`gateway:${clientSecret}`).toString('base64')}` }
  const headers = { ...asClient, 'content-type': 'application/x-www-form-urlencoded' }
  const payload = new URLSearchParams({ token: before.refreshToken }).toString()
  const introspect = async (server: AppForTest) =>
    (await server.app.inject({ method: 'POST', url: '/oauth/introspect', headers, payload })).json().active
  expect(await introspect(optional)).toBe(true)
  expect(await introspect(required)).toBe(false)

  expect(await refresh(required, before)).toMatchObject({ status: 401, body: { code: 'second_factor_required' } })
  // On all servers, also on those that do not require one.
  expect(await refresh(optional, before)).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  await expect.poll(async () => (await required.get('/v1/me', before.bearer)).body['code']).toBe('session_revoked')
})

test('the refresh token in a cookie is forgotten with the session', async () => {
  const cookies = { ...environment, COOKIE_MODE: 'true', CORS_ORIGINS: '' }
  const [before, after] = [await startApp(cookies), await startApp({ ...cookies, MFA_MODE: 'required' })]
  try {
    const email = newEmail()
    await before.post('/v1/auth/register', { email, password, name: 'Test User' })
    const { headers, body } = await before.post('/v1/auth/login', { email, password })
    const cookie = [headers['set-cookie']]
      .flat()
      .map((one) => String(one).split(';')[0])
      .join('; ')
    const csrf = { cookie, 'x-csrf-token': String(body['csrf_token']) }
    const refused = await after.app.inject({ method: 'POST', url: '/v1/auth/refresh', headers: csrf })
    expect(refused.json()).toMatchObject({ status: 401, code: 'second_factor_required' })
    expect([refused.headers['set-cookie']].flat().join('\n')).toMatch(/^__Host-refresh=;/m)

    // The enrolment belongs to the browser of the password.
    const again = await after.post('/v1/auth/login', { email, password })
    const binding = [again.headers['set-cookie']].flat().find((one) => String(one).startsWith('__Host-mfa='))
    expect(binding).toMatch(/Max-Age=900/)
    const bearer = bearerOf(String(again.body['enrolment_token']))
    expect(await start({ bearer }, after)).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
    const inBrowser = { bearer: { ...bearer, cookie: String(binding).split(';')[0] ?? '' } }
    const started = await start(inBrowser, after)
    expect(started.status).toBe(201)
    expect((await confirm(inBrowser, started, after)).body).toHaveProperty('csrf_token')
  } finally {
    await Promise.all([before.close(), after.close()])
  }
})

test('only administrators must enrol one, and a user who becomes an administrator must at the next login', async () => {
  const user = await logIn(ofAdmins)
  expect((await refresh(ofAdmins, user)).status).toBe(200)
  expect((await ofAdmins.get('/v1/me/mfa', user.bearer)).body['required_from']).toBeNull()

  const promoted = await logIn(ofAdmins)
  expect((await setRole(promoted.email, 'admin')).status).toBe(200)
  expect(await refresh(ofAdmins, promoted)).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  const enrolling = await beginEnrolling(ofAdmins, promoted.email)
  const { body } = await confirm(enrolling, await start(enrolling, ofAdmins), ofAdmins)
  expect((await ofAdmins.get('/v1/admin/users', tokensOf(body).bearer)).status).toBe(200)
})

test('the last second factor cannot be removed, also if both of two are removed at once', async () => {
  const user = await enrolAtLogin()
  expect(await remove(user)).toMatchObject({ status: 409, body: { code: 'mfa_last_factor' } })
  const { confirmed } = await addTotp(required, user)
  expect(confirmed.status).toBe(200)
  const { bearer } = tokensOf(confirmed.body)
  const ids = [user.factorId, String(confirmed.body['factor_id'])]
  const answers = await Promise.all(ids.map((factorId) => remove({ factorId, bearer })))
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
  expect((await required.app.mfa.factors.find((await userOf(user.email))._id))?.factors).toHaveLength(1)
})

test('an administrator resets the factors of a user, who then enrols again', async () => {
  const user = await enrolAtLogin()
  const admin = await logInAsAdmin(optional)
  const { _id } = await userOf(user.email)
  expect((await optional.post(`/v1/admin/users/${_id}/mfa/reset`, undefined, admin.bearer)).status).toBe(204)
  expect((await start(user)).status).toBe(401)
  await beginEnrolling(required, user.email)
})

describe('a grace period', () => {
  const day = 86_400_000
  const shared = { ...mfaEnvironment, DATABASE_NAME: freshDatabase() }
  let graceful: AppForTest
  beforeAll(async () => {
    graceful = await startApp({ ...shared, MFA_MODE: 'required', MFA_GRACE_PERIOD: '14d' })
  })
  afterAll(() => graceful.close())

  const settings = () => graceful.app.mongo.db.collection<{ _id: string; value: string }>('settings')
  const sinceOf = async (role: string) => (await settings().findOne({ _id: `mfa_required_since_${role}` }))?.value

  /** A server that has just started, as seen by a user who has existed for 100 days. */
  async function withServer(since: Date, work: (server: AppForTest, email: string) => Promise<void>): Promise<void> {
    await settings().updateOne(
      { _id: 'mfa_required_since_user' },
      { $set: { value: since.toISOString() } },
      { upsert: true },
    )
    const server = await startApp({ ...shared, MFA_MODE: 'required', MFA_GRACE_PERIOD: '14d' })
    try {
      const email = newEmail()
      await server.post('/v1/auth/register', { email, password, name: 'Test User' })
      const created_at = new Date(Date.now() - 100 * day)
      await server.app.mongo.db.collection('users').updateOne({ email }, { $set: { created_at } })
      await work(server, email)
    } finally {
      await server.close()
    }
  }

  test('begins when the first server asks, and neither a restart nor another server begins another one', async () => {
    const existing = await logIn(graceful)
    expect((await graceful.get('/v1/me/mfa', existing.bearer)).body['required_from']).not.toBeNull()
    await beginEnrolling(graceful)
    const since = (await sinceOf('user')) ?? ''
    expect(Date.now() - Date.parse(since)).toBeLessThan(60_000)
    const another = await startApp({ ...shared, MFA_MODE: 'required', MFA_GRACE_PERIOD: '90d' })
    await beginEnrolling(another)
    await another.close()
    expect(await sinceOf('user')).toBe(since)
  })

  test('lets existing users log in without one until it ends, tells them, and lets them remove it', async () => {
    const since = new Date(Date.now() - 13 * day)
    await withServer(since, async (server, email) => {
      const user = await logIn(server, email)
      expect((await refresh(server, user)).status).toBe(200)
      const listed = await server.get('/v1/me/mfa', user.bearer)
      expect(listed.body['required_from']).toBe(new Date(since.getTime() + 14 * day).toISOString())
      const enrolled = await enrol(server, email)
      expect((await remove(enrolled, server)).status).toBe(204)
    })
  })

  test('ends for sessions too', async () => {
    let before: LoggedIn | undefined
    await withServer(new Date(Date.now() - 13 * day), async (server, email) => {
      before = await logIn(server, email)
    })
    const { email = '' } = before ?? {}
    await withServer(new Date(Date.now() - 15 * day), async (server) => {
      if (before === undefined) throw new Error('there was no login')
      expect(await refresh(server, before)).toMatchObject({ body: { code: 'second_factor_required' } })
      await beginEnrolling(server, email)
    })
  })

  test('says which stored time it cannot read', async () => {
    await settings().updateOne({ _id: 'mfa_required_since_user' }, { $set: { value: 'soon' } })
    const server = await startApp({ ...shared, MFA_MODE: 'required', MFA_GRACE_PERIOD: '14d' })
    const email = newEmail()
    await server.post('/v1/auth/register', { email, password, name: 'Test User' })
    expect((await server.post('/v1/auth/login', { email, password })).status).toBe(500)
    await settings().deleteOne({ _id: 'mfa_required_since_user' })
    await server.close()
  })
})
