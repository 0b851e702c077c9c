import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import { Secret, TOTP } from 'otpauth'
import { expect } from 'vitest'
import type { TotpFactor } from '../../../api-server/plugins/app/mfa/factor-store.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { UserKey } from '../../../api-server/plugins/app/users/user-key.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import {
  type Answer,
  type AppForTest,
  freshDatabase,
  type LoggedIn,
  logIn,
  password,
  startApp,
  tokensOf,
} from './app-for-test.ts'

/** Second factors, without limits that a test reaches by accident. */
export const mfaEnvironment: ServerEnvironment = {
  MFA_MODE: 'optional',
  MFA_SECRET: randomBytes(32).toString('base64url'),
  MFA_SERVICE_NAME: 'Example',
  LOGIN_LOCK_AT_FAILURE: '100',
  RATE_LIMIT_RESET: '100000/s',
  RATE_LIMIT_MAIL: '100000/s',
  RATE_LIMIT_ADMIN: '100000/s',
}

/** Two servers of one deployment with second factors, and the mails that they send. */
export interface MfaDeployment {
  server: AppForTest
  other: AppForTest
  mails: TestSmtp['mails']
  /** The subjects of all mails to this address. */
  subjectsTo(email: string): Promise<string[]>
  close(): Promise<void>
}

/** @param more variables that differ from `mfaEnvironment` */
export async function startDeployment(more: ServerEnvironment = {}): Promise<MfaDeployment> {
  const smtp = await startSmtp()
  const environment = {
    ...mfaEnvironment,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'no-reply@example.com',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    DATABASE_NAME: freshDatabase(),
    ...more,
  }
  const [server, other] = await Promise.all([startApp(environment), startApp(environment)])
  return {
    server,
    other,
    mails: smtp.mails,
    async subjectsTo(email) {
      await Promise.all([server.app.mail.idle(), other.app.mail.idle()])
      return smtp.mails.filter(({ to }) => to.includes(email)).map(({ subject }) => subject)
    },
    async close() {
      await Promise.all([server.close(), other.close()])
      await smtp.stop()
    },
  }
}

/** A user with an authenticator app. */
export interface Enrolled extends LoggedIn {
  id: UserKey
  secret: string
  factorId: string
  recoveryCodes: string[]
}

/** The code that an app shows. @param steps of 30 s from now */
export function codeOf(secret: string, steps = 0): string {
  return TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: Date.now() + steps * 30_000 })
}

/** Waits until the current step of codes lasts for a while, so that a code of another step is still one when it arrives. */
export async function earlyInStep(): Promise<void> {
  const secondsLeft = () => 30 - ((Date.now() / 1000) % 30)
  await expect.poll(secondsLeft, { interval: 500, message: 'seconds left of this step' }).toBeGreaterThan(10)
}

/** A code that is none of those that are valid now. */
export function wrongCodeOf(secret: string): string {
  const valid = [-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps))
  for (let code = 0; ; code++) {
    const text = String(code).padStart(6, '0')
    if (!valid.includes(text)) return text
  }
}

/** As if the last code was used long ago. */
export async function forgetUsedCodes(server: AppForTest, { id }: Pick<Enrolled, 'id'>): Promise<void> {
  await server.app.mongo.db
    .collection<{ _id: UserKey }>('second_factors')
    .updateOne({ _id: id }, { $set: { 'factors.$[app].lastStep': 0 } }, { arrayFilters: [{ 'app.type': 'totp' }] })
}

/** The app of a user as the database has it. */
export async function storedTotp(server: AppForTest, { id }: Pick<Enrolled, 'id'>): Promise<TotpFactor> {
  const totp = (await server.app.mfa.factors.find(id))?.factors.find((factor) => factor.type === 'totp')
  if (totp === undefined) throw new Error('the user has no app')
  return totp
}

/** Registers a user, and enrols an authenticator app. Its first code counts as unused afterwards. */
export async function enrol(server: AppForTest, email?: string, name = 'Phone'): Promise<Enrolled> {
  const user = await logIn(server, email)
  const found = await server.app.users.findByEmail(parseEmail(user.email))
  if (found === null) throw new Error('the user is gone')
  const { secret, confirmed } = await addTotp(server, user, name)
  if (confirmed.status !== 200) throw new Error(`confirming answered ${JSON.stringify(confirmed)}`)
  const { factor_id: factorId, recovery_codes: recoveryCodes } = confirmed.body
  const enrolled = { email: user.email, ...tokensOf(confirmed.body), id: found._id, secret }
  await forgetUsedCodes(server, enrolled)
  return { ...enrolled, factorId: String(factorId), recoveryCodes: [recoveryCodes].flat().map(String) }
}

/** The session of a user, as if the last second factor was an hour ago. */
export async function agedSession(server: AppForTest, user: Enrolled): Promise<Enrolled> {
  const sid = String(decodeJwt(user.accessToken)['sid'])
  const authentication = { at: new Date(Date.now() - 3_600_000), methods: ['pwd', 'otp', 'mfa'] } as const
  await server.app.sessions.authenticate(sid, authentication)
  const { body } = await server.post('/v1/auth/refresh', { refresh_token: user.refreshToken })
  return { ...user, ...tokensOf(body) }
}

/** Starts and confirms an authenticator app. */
export async function addTotp(
  server: AppForTest,
  { bearer }: Pick<LoggedIn, 'bearer'>,
  name = 'Phone',
): Promise<{ secret: string; started: Answer; confirmed: Answer }> {
  const started = await server.post('/v1/me/mfa/totp', { current_password: password, name }, bearer)
  if (started.status !== 201) throw new Error(`starting answered ${JSON.stringify(started)}`)
  const { token, secret } = started.body
  const code = codeOf(String(secret))
  const confirmed = await server.post('/v1/me/mfa/totp/confirm', { token, code }, bearer)
  return { secret: String(secret), started, confirmed }
}

/** The first step of a login. @returns its token */
export async function firstStep(
  server: AppForTest,
  { email }: Pick<Enrolled, 'email'>,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, body } = await server.post('/v1/auth/login', { email, password }, headers)
  if (status !== 202) throw new Error(`the first step answered ${status}: ${JSON.stringify(body)}`)
  return String(body['mfa_token'])
}

/** The second step of a login with a code of the app. */
export function secondStep(
  server: AppForTest,
  mfaToken: string,
  code: string,
  headers: Record<string, string> = {},
  method = 'totp',
): Promise<Answer> {
  return server.post('/v1/auth/login/mfa', { mfa_token: mfaToken, method, code }, headers)
}
