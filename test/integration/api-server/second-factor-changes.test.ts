import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp, tokensOf } from './app-for-test.ts'
import {
  addTotp,
  agedSession,
  codeOf,
  enrol,
  firstStep,
  forgetUsedCodes,
  type MfaDeployment,
  mfaEnvironment,
  secondStep,
  startDeployment,
} from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

test('a user removes the last factor, all sessions end, and the next login needs the password only', async () => {
  const user = await enrol(server)
  const removed = await server.delete(`/v1/me/mfa/factors/${user.factorId}`, user.bearer)
  expect(removed.status).toBe(204)
  expect((await server.get('/v1/me', user.bearer)).body).toMatchObject({ code: 'session_revoked' })
  expect(await server.app.mfa.factors.find(user.id)).toBeNull()
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
  expect(await deployment.subjectsTo(user.email)).toContain('A second factor was removed from your account')
})

test('a user removes one of two factors, and the other one stays', async () => {
  const user = await enrol(server)
  const { secret, confirmed } = await addTotp(server, user, 'Tablet')
  const { bearer } = tokensOf(confirmed.body)
  expect((await server.delete(`/v1/me/mfa/factors/${user.factorId}`, bearer)).status).toBe(204)
  await forgetUsedCodes(server, user)
  const token = await firstStep(server, user)
  expect((await secondStep(server, token, codeOf(user.secret))).status).toBe(403)
  expect((await secondStep(server, token, codeOf(secret))).status).toBe(200)
})

test('a user renames a factor, also with an old session, and it is recorded', async () => {
  const user = await agedSession(server, await enrol(server))
  const path = `/v1/me/mfa/factors/${user.factorId}`
  const renamed = await server.patch(path, { name: 'Old phone' }, user.bearer)
  expect(renamed).toMatchObject({ status: 200, body: { id: user.factorId, type: 'totp', name: 'Old phone' } })
  expect(renamed.body).not.toHaveProperty('secret')
  expect(await server.patch(path, { name: 'Old phone' }, user.bearer)).toMatchObject({
    status: 200,
    body: renamed.body,
  })
  expect((await server.get('/v1/me/mfa', user.bearer)).body).toMatchObject({ factors: [renamed.body] })
  await expect
    .poll(() => server.app.mongo.db.collection('security_events').find({ event: 'user_updated' }).toArray())
    .toEqual([expect.objectContaining({ reason: `name of the second factor ${user.factorId}` })])
  // The name changes nothing else: the app still works.
  expect((await secondStep(server, await firstStep(server, user), codeOf(user.secret))).status).toBe(200)
})

test('a factor of another user, or one that is removed meanwhile, is not renamed', async () => {
  const [user, thief] = [await enrol(server), await enrol(server)]
  const path = `/v1/me/mfa/factors/${user.factorId}`
  const notFound = { status: 404, body: { code: 'not_found' } }
  expect(await server.patch(path, { name: 'Mine' }, thief.bearer)).toMatchObject(notFound)
  expect(await server.patch(path, { name: '' }, user.bearer)).toMatchObject({ status: 400 })
  using renaming = vi.spyOn(server.app.mfa.factors, 'rename').mockResolvedValueOnce(false)
  expect(await server.patch(path, { name: 'Mine' }, user.bearer)).toMatchObject(notFound)
  expect(renaming).toHaveBeenCalled()
  expect((await server.get('/v1/me/mfa', user.bearer)).body).toMatchObject({ factors: [{ name: 'Phone' }] })
})

test('a factor that does not exist cannot be removed', async () => {
  const user = await enrol(server)
  const answer = await server.delete('/v1/me/mfa/factors/unknown', user.bearer)
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect((await server.get('/v1/me', user.bearer)).status).toBe(200)
})

test('new recovery codes replace the old ones', async () => {
  const user = await enrol(server)
  const renewed = await server.post('/v1/me/mfa/recovery-codes', undefined, user.bearer)
  expect(renewed).toMatchObject({ status: 200, body: { recovery_codes: Array(10).fill(expect.any(String)) } })
  const token = await firstStep(server, user)
  const [old = ''] = user.recoveryCodes
  expect((await secondStep(server, token, old, {}, 'recovery_code')).status).toBe(403)
  const [fresh = ''] = [renewed.body['recovery_codes']].flat().map(String)
  expect((await secondStep(server, token, fresh, {}, 'recovery_code')).status).toBe(200)
})

test('deleting a user deletes the factors in the same transaction, also after second factors were turned off', async () => {
  const databaseName = freshDatabase()
  const on = await startApp({ ...mfaEnvironment, DATABASE_NAME: databaseName })
  const off = await startApp({ DATABASE_NAME: databaseName })
  try {
    const user = await enrol(on)
    await firstStep(on, user)
    const { bearer } = await logIn(off, user.email)
    expect((await off.delete('/v1/me', bearer, { current_password: password })).status).toBe(204)
    expect(await on.app.mfa.factors.find(user.id)).toBeNull()
    expect(await on.app.mongo.db.collection('mfa_challenges').countDocuments()).toBe(0)
  } finally {
    await Promise.all([on.close(), off.close()])
  }
})

test('an administrator resets the factors of a user, who gets a mail and logs in with the password', async () => {
  const [user, admin] = [await enrol(server), await logInAsAdmin(server)]
  const path = `/v1/admin/users/${user.id}/mfa/reset`
  expect((await server.post(path, undefined, admin.bearer)).status).toBe(204)
  expect((await server.get('/v1/me', user.bearer)).status).toBe(401)
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
  expect(await deployment.subjectsTo(user.email)).toContain('Your second factors were removed')
  expect((await server.post(path, undefined, admin.bearer)).body).toMatchObject({ code: 'not_found' })
})

test('the list of users shows who has no second factor, and who has one', async () => {
  const [user, plain, admin] = [await enrol(server), await logIn(server), await logInAsAdmin(server)]
  const emails = async (query: string) => {
    const { status, body } = await server.get(`/v1/admin/users?limit=200&${query}`, admin.bearer)
    expect(status).toBe(200)
    return JSON.stringify(body['users'])
  }
  const [none, some] = [await emails('second_factor=none'), await emails('second_factor=some')]
  expect(none).toContain(plain.email)
  expect(none).not.toContain(user.email)
  expect(some).toContain(user.email)
  expect(some).not.toContain(plain.email)
  expect((await server.get('/v1/admin/users?second_factor=many', admin.bearer)).status).toBe(400)
})
