import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import { type Answer, type AppForTest, type LoggedIn, password, tokensOf } from './app-for-test.ts'
import { codeOf, type Enrolled } from './second-factor.ts'

export const bearerOf = (token: string) => ({ authorization: `Bearer ${token}` })

export const newEmail = () => `${randomBytes(6).toString('hex')}@example.com`

export const refresh = (server: AppForTest, { refreshToken }: Pick<LoggedIn, 'refreshToken'>) =>
  server.post('/v1/auth/refresh', { refresh_token: refreshToken })

/** A user who must enrol, after the password. */
export interface Enrolling {
  email: string
  token: string
  bearer: { authorization: string }
}

type Bearer = Pick<Enrolling, 'bearer'>

/** Registers a user unless they exist, and logs them in at a server that requires a second factor. */
export async function beginEnrolling(server: AppForTest, email = newEmail(), headers = {}): Promise<Enrolling> {
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  const { status, body } = await server.post('/v1/auth/login', { email, password }, headers)
  expect({ status, body }).toEqual({
    status: 202,
    body: {
      status: 'enrolment_required',
      enrolment_token: expect.stringMatching(/^enrolment_/),
      expires_in: 900,
      allowed_types: server.config.mfa.allowedTypes,
    },
  })
  const token = String(body['enrolment_token'])
  return { email, token, bearer: bearerOf(token) }
}

export const start = (server: AppForTest, { bearer }: Bearer) =>
  server.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, bearer)

/** @param started the answer of `start` */
export const confirm = (server: AppForTest, { bearer }: Bearer, { body }: Answer) =>
  server.post('/v1/me/mfa/totp/confirm', { token: body['token'], code: codeOf(String(body['secret'])) }, bearer)

export const remove = (server: AppForTest, { factorId, bearer }: Pick<Enrolled, 'factorId' | 'bearer'>) =>
  server.delete(`/v1/me/mfa/factors/${factorId}`, bearer)

export async function userOf(server: AppForTest, email: string) {
  const user = await server.app.users.findByEmail(parseEmail(email))
  if (user === null) throw new Error('the user is gone')
  return user
}

/** A user who has enrolled at the login. */
export async function enrolAtLogin(server: AppForTest, email = newEmail()) {
  const enrolling = await beginEnrolling(server, email)
  const started = await start(server, enrolling)
  const { body } = await confirm(server, enrolling, started)
  return { email, secret: String(started.body['secret']), factorId: String(body['factor_id']), ...tokensOf(body) }
}
