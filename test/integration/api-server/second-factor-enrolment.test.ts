import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AppForTest, logIn, password, tokensOf } from './app-for-test.ts'
import { addTotp, codeOf, enrol, type MfaDeployment, startDeployment, wrongCodeOf } from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

test('a user enrols an authenticator app, and gets ten recovery codes and a new session', async () => {
  const user = await logIn(server)
  const { started, confirmed, secret } = await addTotp(server, user)
  expect(String(started.body['otpauth_url'])).toBe(
    `otpauth://totp/Example:${encodeURIComponent(user.email)}?issuer=Example&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
  )
  expect(started.headers['cache-control']).toBe('no-store')
  expect(confirmed).toMatchObject({ status: 200, body: { recovery_codes: Array(10).fill(expect.any(String)) } })

  // Earlier sessions may be those of others.
  expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ code: 'session_revoked' })
  const { bearer } = tokensOf(confirmed.body)
  expect(await server.get('/v1/me/mfa', bearer)).toMatchObject({
    status: 200,
    body: {
      factors: [{ id: confirmed.body['factor_id'], type: 'totp', name: 'Phone' }],
      recovery_codes_left: 10,
    },
  })
  expect(await deployment.subjectsTo(user.email)).toContain('A second factor was added to your account')
})

test('the user document stays as it is, and secret and recovery codes are nowhere in plain text', async () => {
  const { email, id, secret, recoveryCodes } = await enrol(server)
  const document = await server.app.mongo.db.collection('users').findOne({ email })
  const fields = ['_id', 'created_at', 'email', 'is_active', 'last_login', 'name', 'password_hash', 'role']
  expect(Object.keys(document ?? {}).sort()).toEqual([...fields, 'updated_at'])
  for (const { name } of await server.app.mongo.db.listCollections().toArray()) {
    const text = JSON.stringify(await server.app.mongo.db.collection(name).find().toArray())
    for (const plain of [secret, ...recoveryCodes]) expect(text, name).not.toContain(plain)
  }
  expect(await server.app.mfa.factors.find(id)).toMatchObject({ recoveryCodes: Array(10).fill(expect.any(String)) })
})

test('a wrong code does not enrol, and the enrolment ends with the fifth', async () => {
  const { bearer } = await logIn(server)
  const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, bearer)
  const secret = String(started.body['secret'])
  const confirm = (code: string) =>
    server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, bearer)
  for (let wrong = 0; wrong < 5; wrong++) {
    expect(await confirm(wrongCodeOf(secret))).toMatchObject({ status: 403, body: { code: 'mfa_code_wrong' } })
  }
  expect(await confirm(codeOf(secret))).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect(await server.get('/v1/me/mfa', bearer)).toMatchObject({ body: { factors: [], recovery_codes_left: 0 } })
})

test('a user has at most ten factors, and gets recovery codes with the first one only', async () => {
  const user = await enrol(server)
  let { bearer } = user
  for (let factor = 2; factor <= 10; factor++) {
    const { confirmed } = await addTotp(server, { bearer }, `App ${factor}`)
    expect(confirmed).toMatchObject({ status: 200, body: { recovery_codes: null } })
    bearer = tokensOf(confirmed.body).bearer
  }
  const eleventh = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'App 11' }, bearer)
  expect(eleventh).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
})

test('of two enrolments at the same time, the later one finds that the limit is reached', async () => {
  const user = await enrol(server)
  const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, user.bearer)
  await server.app.mongo.db
    .collection('second_factors')
    .updateOne({ _id: user.id as never }, [{ $set: { factors: { $concatArrays: Array(10).fill('$factors') } } }])
  const code = codeOf(String(started.body['secret']))
  const confirmed = await server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, user.bearer)
  expect(confirmed).toMatchObject({ status: 409, body: { code: 'mfa_too_many' } })
})
