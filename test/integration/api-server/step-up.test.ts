import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { type AppForTest, logIn, password, tokensOf } from './app-for-test.ts'
import { agedSession, codeOf, type Enrolled, enrol, type MfaDeployment, startDeployment } from './second-factor.ts'

/** Two servers of one deployment. */
let deployment: MfaDeployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

/** A user whose second factor was an hour ago. */
const oldSession = async () => agedSession(server, await enrol(server))
const newEmail = () => `${crypto.randomUUID()}@example.com`
const changes: [string, (user: Enrolled) => ReturnType<AppForTest['post']>][] = [
  [
    'POST /v1/me/mfa/totp',
    ({ bearer }) => server.post('/v1/me/mfa/totp', { current_password: password, name: 'N' }, bearer),
  ],
  ['POST /v1/me/mfa/recovery-codes', ({ bearer }) => server.post('/v1/me/mfa/recovery-codes', undefined, bearer)],
  ['PATCH /v1/me', ({ bearer }) => server.patch('/v1/me', { email: newEmail(), current_password: password }, bearer)],
  [
    'POST /v1/auth/password/change',
    ({ bearer }) =>
      server.post('/v1/auth/password/change', { current_password: password, new_password: `${password} 2` }, bearer),
  ],
  ['DELETE /v1/me/mfa/factors/:id', ({ bearer, factorId }) => server.delete(`/v1/me/mfa/factors/${factorId}`, bearer)],
  ['DELETE /v1/me', ({ bearer }) => server.delete('/v1/me', bearer, { current_password: password })],
  [
    'DELETE /v1/me/identities/:id',
    async ({ bearer, email }) => server.delete(`/v1/me/identities/${await linkIdentity(email)}`, bearer),
  ],
]

/** Links the user to an identity at a provider. @returns its ID */
async function linkIdentity(email: string): Promise<string> {
  const { users, mongo, identities } = server.app
  const user = await users.findByEmail(parseEmail(email))
  if (user === null) throw new Error(`there is no user ${email}`)
  const subject = crypto.randomUUID()
  const identity = { issuer: 'https://idp.example.com', subject, isEmailVerified: false, name: '', claims: {} }
  const linked = await mongo.transaction((session) =>
    identities.add(user._id, { provider: { id: 'idp', name: 'IdP' }, identity }, new Date(), session),
  )
  return linked._id
}

test.each(changes)('%s needs a recent second factor', async (_route, change) => {
  const user = await oldSession()
  const refused = await change(user)
  expect(refused).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } })
  expect(refused.headers['www-authenticate']).toBe(
    'Bearer realm="auth", error="insufficient_user_authentication", acr_values="aal2", max_age="900"',
  )
  const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(user.secret) }, user.bearer)
  expect(stepped).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
  expect(stepped.body).not.toHaveProperty('refresh_token')
  expect((await change({ ...user, ...tokensOf(stepped.body) })).status).toBeLessThan(300)
})

test('another name needs no second factor', async () => {
  const { bearer } = await oldSession()
  expect((await server.patch('/v1/me', { name: 'Other' }, bearer)).status).toBe(200)
})

test('a user without a second factor changes the password as before, and cannot step up', async () => {
  const { bearer } = await logIn(server)
  const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: '123456' }, bearer)
  expect(stepped).toMatchObject({ status: 404, body: { code: 'not_found' } })
  const passwords = { current_password: password, new_password: 'a new horse battery' }
  expect((await server.post('/v1/auth/password/change', passwords, bearer)).status).toBe(204)
})

test('a session that ends during a step-up gets no token', async () => {
  const user = await enrol(server)
  using authenticate = vi.spyOn(server.app.sessions, 'authenticate').mockResolvedValueOnce(null)
  const stepped = await server.post('/v1/auth/step-up', { method: 'totp', code: codeOf(user.secret) }, user.bearer)
  expect(stepped).toMatchObject({ status: 401, body: { code: 'session_revoked' } })
  expect(authenticate).toHaveBeenCalled()
})

test.each([
  ['acr=aal2', 200],
  ['acr=aal1', 200],
  ['max_age=900', 401],
  ['max_age=7200', 200],
  ['acr=aal2&max_age=900', 401],
  ['acr=aal3', 401],
  ['max_age=soon', 401],
  ['acr=aal1&acr=aal2', 401],
  ['max_age=', 401],
  ['page=2', 200],
])('verify?%s of a session whose second factor was an hour ago answers %i', async (query, status) => {
  const { bearer } = await oldSession()
  for (const method of ['GET', 'POST'] as const) {
    const answer = await server.app.inject({ method, url: `/v1/auth/verify?${query}`, headers: bearer })
    expect(answer.statusCode).toBe(status)
    if (status === 401) expect(answer.json().code).toBe('insufficient_user_authentication')
  }
  // The query of a path suffix is that of the original request.
  expect((await server.get(`/v1/auth/verify/orders?${query}`, bearer)).status).toBe(200)
})

test('verify?acr=aal2 refuses a session with a password only', async () => {
  const { bearer } = await logIn(server)
  const answer = await server.get('/v1/auth/verify?acr=aal2', bearer)
  expect(answer).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } })
  expect(answer.headers['www-authenticate']).toContain('acr_values="aal2"')
})
