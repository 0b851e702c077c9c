import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, freshDatabase, logIn, password, startApp, tokensOf } from './app-for-test.ts'
import { beginEnrolling } from './enrolling.ts'
import { addPasskey, enrolPasskey, logInByPasskey, passkeyEnvironment } from './passkey-user.ts'
import { addTotp, codeOf, enrol, firstStep, forgetUsedCodes, secondStep } from './second-factor.ts'
import { SoftwareAuthenticator } from './software-authenticator.ts'

/** Servers of one deployment, before and after new authenticator apps were forbidden. */
const environment = { ...passkeyEnvironment, DATABASE_NAME: freshDatabase() }
let allowing: AppForTest
let forbidding: AppForTest
let requiring: AppForTest

beforeAll(async () => {
  allowing = await startApp(environment)
  forbidding = await startApp({ ...environment, MFA_TOTP: 'false' })
  requiring = await startApp({ ...environment, MFA_TOTP: 'false', MFA_MODE: 'required' })
})
afterAll(() => Promise.all([allowing, forbidding, requiring].map((server) => server.close())))

const refused = {
  status: 403,
  body: { code: 'totp_not_allowed', detail: 'New authenticator apps are not allowed. Add a passkey instead.' },
}
const start = { current_password: password, name: 'Phone' }
const factorsOf = async (user: { bearer: { authorization: string } }, server = forbidding) =>
  (await server.get('/v1/me/mfa', user.bearer)).body

test('while apps are forbidden, none can be enrolled, and a passkey can', async () => {
  const user = await logIn(forbidding)
  expect(await forbidding.post('/v1/me/mfa/totp', start, user.bearer)).toMatchObject(refused)
  expect(await factorsOf(user)).toMatchObject({ factors: [], allowed_types: ['passkey'] })
  expect(await factorsOf(user, allowing)).toMatchObject({ allowed_types: ['totp', 'passkey'] })
  const passkeyUser = await enrolPasskey(forbidding)
  expect((await logInByPasskey(forbidding, passkeyUser.authenticator)).status).toBe(200)
})

test('an enrolment that began before apps were forbidden cannot be confirmed', async () => {
  const user = await logIn(allowing)
  const { body } = await allowing.post('/v1/me/mfa/totp', start, user.bearer)
  const confirmation = { token: body['token'], code: codeOf(String(body['secret'])) }
  expect(await forbidding.post('/v1/me/mfa/totp/confirm', confirmation, user.bearer)).toMatchObject(refused)
  expect(await factorsOf(user)).toMatchObject({ factors: [] })
  // The refusal has not used it up.
  expect((await allowing.post('/v1/me/mfa/totp/confirm', confirmation, user.bearer)).status).toBe(200)
})

test('a user who has an app still logs in with it, and replaces it by a passkey', async () => {
  const user = await enrol(allowing)
  const { status, body } = await secondStep(forbidding, await firstStep(forbidding, user), codeOf(user.secret))
  expect(status).toBe(200)
  const { bearer } = tokensOf(body)
  expect(await factorsOf({ bearer })).toMatchObject({ factors: [{ type: 'totp' }], allowed_types: ['passkey'] })
  await forgetUsedCodes(forbidding, user)
  const stepUp = { method: 'totp', code: codeOf(user.secret) }
  expect((await forbidding.post('/v1/auth/step-up', stepUp, bearer)).status).toBe(200)

  const authenticator = new SoftwareAuthenticator()
  const added = await addPasskey(forbidding, { bearer }, authenticator)
  expect(added.status).toBe(200)
  const session = tokensOf(added.body)
  expect((await forbidding.delete(`/v1/me/mfa/factors/${user.factorId}`, session.bearer)).status).toBe(204)
  expect((await logInByPasskey(forbidding, authenticator)).status).toBe(200)
  // There is no way back.
  const again = tokensOf((await logInByPasskey(forbidding, authenticator)).body)
  expect(await forbidding.post('/v1/me/mfa/totp', start, again.bearer)).toMatchObject(refused)
  // Where apps are allowed, the same user may.
  expect((await addTotp(allowing, again)).confirmed.status).toBe(200)
})

test('a user who must enrol is told that only passkeys are allowed, and adds one', async () => {
  const { bearer } = await beginEnrolling(requiring)
  expect(requiring.config.mfa.allowedTypes).toEqual(['passkey'])
  expect(await requiring.post('/v1/me/mfa/totp', start, bearer)).toMatchObject(refused)
  const added = await addPasskey(requiring, { bearer })
  expect(added.status).toBe(200)
  expect((await requiring.get('/v1/me', tokensOf(added.body).bearer)).status).toBe(200)
})
