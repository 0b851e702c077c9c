import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { TransactionConflictError } from '../../../api-server/plugins/external/transaction.ts'
import { type AppForTest, logIn, password, startApp } from './app-for-test.ts'
import {
  codeOf,
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

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

test('without a signing key, no step completes, and says so', async () => {
  const [user, plain] = [await enrol(server), await logIn(server)]
  const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, plain.bearer)
  const mfaToken = await firstStep(server, user)
  using signer = vi.spyOn(server.app.tokens.keys, 'signer').mockReturnValue(undefined)
  const code = codeOf(String(started.body['secret']))
  const [first = '', second = ''] = user.recoveryCodes
  const answers = [
    await secondStep(server, mfaToken, first, {}, 'recovery_code'),
    await server.post('/v1/auth/step-up', { method: 'recovery_code', code: second }, user.bearer),
    await server.post('/v1/me/mfa/totp/confirm', { token: started.body['token'], code }, plain.bearer),
  ]
  for (const answer of answers) expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } })
  expect(signer).toHaveBeenCalled()
})

test('an enrolment that conflicts with other changes may be repeated', async () => {
  const plain = await logIn(server)
  const started = await server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, plain.bearer)
  const confirmation = { token: started.body['token'], code: codeOf(String(started.body['secret'])) }
  const confirm = () => server.post('/v1/me/mfa/totp/confirm', confirmation, plain.bearer)
  using transaction = vi
    .spyOn(server.app.mongo, 'transaction')
    .mockRejectedValueOnce(new TransactionConflictError('a conflict of this test'))
  expect(await confirm()).toMatchObject({ status: 503, body: { code: 'busy' } })
  expect(transaction).toHaveBeenCalled()
  expect((await confirm()).status).toBe(200)
})

test('a user over the limits is refused', async () => {
  const strict = await startApp({ ...mfaEnvironment, RATE_LIMIT_SENSITIVE: '2/h', RATE_LIMIT_PROFILE: '1/h' })
  try {
    const user = await enrol(strict)
    await strict.get('/v1/me/mfa', user.bearer)
    const answers = [
      await strict.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, user.bearer),
      await strict.post('/v1/me/mfa/totp/confirm', { token: 'x', code: '123456' }, user.bearer),
      await strict.post('/v1/me/mfa/recovery-codes', undefined, user.bearer),
      await strict.delete(`/v1/me/mfa/factors/${user.factorId}`, user.bearer),
      await strict.patch(`/v1/me/mfa/factors/${user.factorId}`, { name: 'App' }, user.bearer),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
  } finally {
    await strict.close()
  }
})

test('with second factors off, a login needs the password only, its tokens are as before, and there are no routes', async () => {
  const off = await startApp()
  try {
    const { accessToken, bearer } = await logIn(off)
    expect(Object.keys(decodeJwt(accessToken))).not.toEqual(expect.arrayContaining(['amr']))
    expect((await off.get('/v1/me/mfa', bearer)).status).toBe(404)
    expect((await off.post('/v1/auth/login/mfa', {})).status).toBe(404)
    const session = await off.app.mongo.db.collection('sessions').findOne({})
    expect(session).not.toHaveProperty('authentication')
    const verified = await off.get('/v1/auth/verify', bearer)
    expect(Object.keys(verified.body).sort()).toEqual(['active', 'exp', 'role', 'sid', 'sub'])
    expect(verified.headers).not.toHaveProperty('x-auth-acr')
  } finally {
    await off.close()
  }
})
