import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, logIn, password, startApp, tokensOf } from './app-for-test.ts'
import {
  codeOf,
  earlyInStep,
  enrol,
  firstStep,
  type MfaDeployment,
  mfaEnvironment,
  secondStep,
  startDeployment,
} from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest
let other: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
  other = deployment.other
})
afterAll(() => deployment.close())

test('a login needs the password and a code, and the tokens say so', async () => {
  const user = await enrol(server)
  const first = await server.post('/v1/auth/login', { email: user.email, password })
  expect(first).toMatchObject({
    status: 202,
    body: {
      status: 'second_factor_required',
      expires_in: 300,
      factors: [{ id: user.factorId, type: 'totp', name: 'Phone' }],
    },
  })
  expect(first.headers['set-cookie']).toBeUndefined()
  // Any server completes it.
  const before = Math.floor(Date.now() / 1000)
  const second = await secondStep(other, String(first.body['mfa_token']), codeOf(user.secret))
  expect(second).toMatchObject({ status: 200, body: { user: { email: user.email } } })
  const { accessToken, refreshToken, bearer } = tokensOf(second.body)
  const claims = decodeJwt(accessToken)
  expect(claims).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' })
  expect(claims['auth_time']).toBeGreaterThanOrEqual(before)

  const refreshed = await server.post('/v1/auth/refresh', { refresh_token: refreshToken })
  const { amr, acr, auth_time } = claims
  expect(decodeJwt(tokensOf(refreshed.body).accessToken)).toMatchObject({ amr, acr, auth_time })
  const verified = await server.get('/v1/auth/verify', bearer)
  expect(verified).toMatchObject({ status: 200, body: { amr, acr, auth_time } })
  expect(verified.headers).toMatchObject({
    'x-auth-amr': 'pwd otp mfa',
    'x-auth-acr': 'aal2',
    'x-auth-time': String(auth_time),
  })
})

test('a user without a second factor logs in with the password, and the tokens say so', async () => {
  const { accessToken } = await logIn(server)
  expect(decodeJwt(accessToken)).toMatchObject({ amr: ['pwd'], acr: 'aal1', auth_time: expect.any(Number) })
})

test.each([-1, 0, 1])('the code of step %i from now is accepted', async (steps) => {
  const user = await enrol(server)
  await earlyInStep()
  expect((await secondStep(server, await firstStep(server, user), codeOf(user.secret, steps))).status).toBe(200)
})

test('a wrong password is answered as that of any user', async () => {
  const [user, plain] = [await enrol(server), await logIn(server)]
  const answers = await Promise.all(
    [user.email, plain.email, 'nobody@example.com'].map((email) =>
      server.post('/v1/auth/login', { email, password: 'wrong horse battery' }),
    ),
  )
  const bodies = answers.map(({ status, body }) => ({ status, body: { ...body, request_id: '' } }))
  expect(new Set(bodies.map((each) => JSON.stringify(each))).size).toBe(1)
  expect(bodies[0]).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
})

test('a recovery code replaces the app once, and the user gets a mail', async () => {
  const user = await enrol(server)
  const [code = ''] = user.recoveryCodes
  const use = async () =>
    secondStep(server, await firstStep(server, user), ` ${code.toUpperCase()} `, {}, 'recovery_code')
  const first = await use()
  expect(first.status).toBe(200)
  expect(await use()).toMatchObject({ status: 403, body: { code: 'mfa_code_wrong' } })
  const { bearer } = tokensOf(first.body)
  expect((await server.get('/v1/me/mfa', bearer)).body).toMatchObject({ recovery_codes_left: 9 })
  await server.app.mail.idle()
  expect(deployment.mails.find(({ subject }) => subject === 'A recovery code was used')?.text).toContain(
    'Codes left: 9.',
  )
})

test('in cookie mode, the second step needs the cookie of the first one', async () => {
  const browser = await startApp({ ...mfaEnvironment, COOKIE_MODE: 'true' })
  try {
    const user = await enrol(browser)
    const first = await browser.post('/v1/auth/login', { email: user.email, password })
    const cookie = [first.headers['set-cookie']].flat().find((each) => String(each).startsWith('__Host-mfa='))
    expect(cookie).toMatch(/; Max-Age=300; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    const token = String(first.body['mfa_token'])
    const code = codeOf(user.secret)
    const without = await secondStep(browser, token, code)
    expect(without).toMatchObject({ status: 401, body: { code: 'mfa_token_invalid' } })
    const second = await secondStep(browser, token, code, { cookie: String(cookie).split(';')[0] ?? '' })
    expect(second).toMatchObject({ status: 200, body: { csrf_token: expect.any(String) } })
    expect(second.body).not.toHaveProperty('refresh_token')
  } finally {
    await browser.close()
  }
})

test('the last login is that of the second step, and an old hash is replaced at the first one', async () => {
  const user = await enrol(server)
  const users = server.app.mongo.db.collection('users')
  const longAgo = new Date('2020-01-01')
  const document = await users.findOne({ email: user.email })
  const password_hash = String(document?.['password_hash']).replace('$2b$', '$2a$')
  await users.updateOne({ email: user.email }, { $set: { last_login: longAgo, password_hash } })
  const token = await firstStep(server, user)
  expect(await users.findOne({ email: user.email })).toMatchObject({
    last_login: longAgo,
    password_hash: expect.stringMatching(/^\$2b\$/),
  })
  expect((await secondStep(server, token, codeOf(user.secret))).status).toBe(200)
  expect((await users.findOne({ email: user.email }))?.['last_login']).not.toEqual(longAgo)
})
