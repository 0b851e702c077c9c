import { Secret, TOTP } from 'otpauth'
import { refreshCookie } from '../plugins/app/cookie-mode/cookie-names.ts'
import type { ApiClient, ApiResponse } from './client.ts'

export interface Tokens {
  access: string
  refresh: string
}

/** An authenticator app of the test. */
interface App {
  secret: string
  /** Time step of its last code: a server accepts only later ones. */
  lastStep: number
}

const stepMilliseconds = 30_000

/** The server requires a second factor, and the test can enrol no app there. */
export class NeedsPasskeyError extends Error {
  override name = 'NeedsPasskeyError'
}

/** The user of a smoke test, with the authenticator apps that the servers make them enrol. */
export class Person {
  readonly email: string
  readonly password: string
  readonly #apps: App[] = []
  #recoveryCodes: string[] = []

  constructor(email: string, password: string) {
    this.email = email
    this.password = password
  }

  /** Logs in, and enrols an app if the server requires a second factor. @throws NeedsPasskeyError */
  async logIn(call: ApiClient): Promise<Tokens & { hasEnrolled: boolean }> {
    const { email, password } = this
    const answer = await call('POST', '/v1/auth/login', { json: { email, password } })
    if (answer.status !== 202) return { ...tokensOf(answer), hasEnrolled: false }
    const { status, mfa_token: mfaToken, enrolment_token: enrolmentToken } = answer.body
    const cookie = answer.cookies.join('; ')
    if (status === 'enrolment_required') {
      if (!allowsApps(answer)) throw new NeedsPasskeyError('the server requires a passkey, which this test cannot add')
      return { ...(await this.enrol(call, String(enrolmentToken), cookie)), hasEnrolled: true }
    }
    const json = { mfa_token: mfaToken, ...this.#nextCode() }
    return { ...tokensOf(await call('POST', '/v1/auth/login/mfa', { json, cookie })), hasEnrolled: false }
  }

  /** Enrols an authenticator app. All sessions end. @param bearer an access token, or what a login has answered with */
  async enrol(call: ApiClient, bearer: string, cookie = ''): Promise<Tokens> {
    const json = { current_password: this.password, name: 'Smoke test' }
    const started = await call('POST', '/v1/me/mfa/totp', { bearer, json, cookie })
    expectStatus(started, 201)
    const app = { secret: String(started.body['secret']), lastStep: stepAt(Date.now()) }
    const confirmation = { token: started.body['token'], code: codeOf(app) }
    const confirmed = await call('POST', '/v1/me/mfa/totp/confirm', { bearer, json: confirmation, cookie })
    const tokens = tokensOf(confirmed)
    this.#apps.push(app)
    const recoveryCodes: unknown = confirmed.body['recovery_codes']
    if (Array.isArray(recoveryCodes)) this.#recoveryCodes = recoveryCodes.map(String)
    return tokens
  }

  /** A code of the newest app whose next code is valid already, or a recovery code: no login waits for the next code. */
  #nextCode(): { method: string; code: string } {
    const now = stepAt(Date.now())
    const app = this.#apps.findLast(({ lastStep }) => lastStep <= now)
    if (app !== undefined) {
      app.lastStep = Math.max(app.lastStep + 1, now)
      return { method: 'totp', code: codeOf(app) }
    }
    const code = this.#recoveryCodes.pop()
    if (code === undefined) throw new Error('the server asked for a second factor that was not enrolled')
    return { method: 'recovery_code', code }
  }
}

/** Whether new apps may be enrolled. An earlier version does not say so, and allows them. */
export function allowsApps({ body }: ApiResponse): boolean {
  const types: unknown = body['allowed_types']
  return !Array.isArray(types) || types.includes('totp')
}

function stepAt(milliseconds: number): number {
  return Math.floor(milliseconds / stepMilliseconds)
}

function codeOf({ secret, lastStep }: App): string {
  return TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: lastStep * stepMilliseconds })
}

/** The tokens of a response that begins or continues a session. */
export function tokensOf(answer: ApiResponse): Tokens {
  expectStatus(answer, 200)
  const { access_token: access, refresh_token: inBody } = answer.body
  // In cookie mode, the refresh token is in no body. A token in a body is accepted in every mode.
  const inCookie = answer.cookies.find((cookie) => cookie.startsWith(`${refreshCookie}=`))
  const refresh = inBody ?? inCookie?.slice(refreshCookie.length + 1)
  if (typeof access !== 'string' || typeof refresh !== 'string')
    throw new Error('the answer contains no pair of tokens')
  return { access, refresh }
}

export function expectStatus({ status, body }: ApiResponse, ...expected: number[]): void {
  if (expected.includes(status)) return
  const code = typeof body['code'] === 'string' ? ` ${body['code']}` : ''
  throw new Error(`the answer was ${status}${code} instead of ${expected.join(' or ')}`)
}
