import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answer, type AppForTest, logInAsAdmin, password, startApp } from './app-for-test.ts'
import { codeOf, type Enrolled, enrol, mfaEnvironment } from './second-factor.ts'

let server: AppForTest

beforeAll(async () => {
  server = await startApp(mfaEnvironment)
})
afterAll(() => server.close())

const passwords = { current_password: password, new_password: 'a new horse battery' }

/** Every route that needs the user of the access token. */
const routes: [string, (user: Enrolled) => Promise<Answer>][] = [
  ['PATCH /v1/me', ({ bearer }) => server.patch('/v1/me', { name: 'Other' }, bearer)],
  ['DELETE /v1/me', ({ bearer }) => server.delete('/v1/me', bearer, { current_password: password })],
  ['DELETE /v1/me/pending-email', ({ bearer }) => server.delete('/v1/me/pending-email', bearer)],
  ['POST /v1/auth/password/change', ({ bearer }) => server.post('/v1/auth/password/change', passwords, bearer)],
  [
    'POST /v1/auth/step-up',
    ({ bearer, secret }) => server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(secret) }, bearer),
  ],
  [
    'POST /v1/me/mfa/totp',
    ({ bearer }) => server.post('/v1/me/mfa/totp', { current_password: password, name: 'App' }, bearer),
  ],
  [
    'POST /v1/me/mfa/totp/confirm',
    ({ bearer }) => server.post('/v1/me/mfa/totp/confirm', { token: 'unknown', code: '123456' }, bearer),
  ],
  ['DELETE /v1/me/mfa/factors/:id', ({ bearer, factorId }) => server.delete(`/v1/me/mfa/factors/${factorId}`, bearer)],
  [
    'PATCH /v1/me/mfa/factors/:id',
    ({ bearer, factorId }) => server.patch(`/v1/me/mfa/factors/${factorId}`, { name: 'Other' }, bearer),
  ],
  ['POST /v1/me/mfa/recovery-codes', ({ bearer }) => server.post('/v1/me/mfa/recovery-codes', undefined, bearer)],
]

describe.each(routes)('%s', (_route, call) => {
  test('checks the signature of the access token once', async () => {
    const user = await enrol(server)
    // Once for each signature.
    using verifier = vi.spyOn(server.app.tokens.keys, 'verifier')
    await call(user)
    expect(verifier).toHaveBeenCalledTimes(1)
  })

  test.each(['all sessions end', 'the session ends'])('does nothing if %s while the user is read', async (ending) => {
    const user = await enrol(server)
    const { users, revocation } = server.app
    const before = await server.app.mfa.factors.find(user.id)
    const findById = users.findById.bind(users)
    using reading = vi.spyOn(users, 'findById').mockImplementationOnce(async (id) => {
      const sid = String(decodeJwt(user.accessToken)['sid'])
      if (ending === 'all sessions end') await revocation.revokeUser(id, 'logout_all')
      else await revocation.revokeSession(sid, 'logout')
      return findById(id)
    })
    expect(await call(user)).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
    expect(reading).toHaveBeenCalled()
    expect(await server.app.mfa.factors.find(user.id)).toEqual(before)
  })
})

test('a request of an administrator without a body checks the signature twice: also after a body may have arrived', async () => {
  const { bearer } = await logInAsAdmin(server)
  using verifier = vi.spyOn(server.app.tokens.keys, 'verifier')
  expect((await server.get('/v1/admin/users', bearer)).status).toBe(200)
  expect(verifier).toHaveBeenCalledTimes(2)
})

test('an account is not deleted if its session ends while the password is checked', async () => {
  const user = await enrol(server)
  const { passwords: hashes, revocation, users } = server.app
  const check = hashes.check.bind(hashes)
  using checking = vi.spyOn(hashes, 'check').mockImplementationOnce(async (...values) => {
    await revocation.revokeSession(String(decodeJwt(user.accessToken)['sid']), 'logout')
    return check(...values)
  })
  const deleted = await server.delete('/v1/me', user.bearer, { current_password: password })
  expect(deleted).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect(checking).toHaveBeenCalled()
  expect(await users.findById(user.id.toString())).not.toBeNull()
})
