import { randomBytes } from 'node:crypto'
import type { SharedState } from '@authservice-operator/contract/shared-state.ts'
import { refreshCookie } from '../plugins/app/cookie-mode/cookie-names.ts'
import { type ApiClient, type ApiResponse, untilReachable } from './client.ts'

/** The two colours: the one with the traffic, and the one under test. */
export interface Colors {
  live: ApiClient
  preview: ApiClient
}

/** A failed step. The message contains the expected and the actual result. */
export class SmokeTestError extends Error {
  override name = 'SmokeTestError'
}

interface TestUser {
  email: string
  password: string
}

interface Tokens {
  access: string
  refresh: string
}

/** Time within which a session that ended on one colour is refused by the other one. */
const maxRevocationMilliseconds = 3_000

/**
 * The steps of a user across the colours: an update must neither end a session nor forget that one has ended.
 *
 * @param maxMillisecondsUnreachable how long a colour may be unreachable before the first step
 * @param unshared what the colours do not share: steps that need it are skipped
 * @param onStep called after each passed step, with its time in milliseconds
 * @throws SmokeTestError at the first failed step; the user is deleted in any case
 */
export async function runSmokeTest(
  colors: Colors,
  onStep: (step: string, milliseconds: number) => void,
  maxMillisecondsUnreachable = 20_000,
  unshared: ReadonlySet<SharedState> = new Set(),
): Promise<void> {
  const { live, preview } = colors
  const timed = async <Result>(step: string, work: () => Promise<Result>): Promise<Result> => {
    const started = performance.now()
    const result = await work().catch((error: unknown) => {
      throw new SmokeTestError(`${step}: ${error instanceof Error ? error.message : error}`)
    })
    onStep(step, Math.round(performance.now() - started))
    return result
  }
  const person = {
    email: `smoke-test-${randomBytes(12).toString('hex')}@smoke-test.invalid`,
    password: randomBytes(24).toString('base64url'),
  }
  await timed('reach both colours', () =>
    Promise.all([live, preview].map((call) => untilReachable(call, maxMillisecondsUnreachable))),
  )
  const isUsable = await timed('register', () => register(preview, person))
  // This user has no mailbox, so there is no session to test. Decision 28.
  if (!isUsable) return
  const walk = unshared.has('database') ? alone(preview, person, timed) : cross(colors, person, timed, unshared)
  const outcome = await walk.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  // A version that cannot log the user in cannot delete it either, so the other one does.
  await timed('clean up', () => removeUser(preview, person).catch(() => removeUser(live, person))).catch((error) => {
    if (outcome === undefined) throw error // otherwise the first failure is reported
  })
  if (outcome !== undefined) throw outcome.error
}

type Timed = <Result>(step: string, work: () => Promise<Result>) => Promise<Result>

/** A colour with its own database: the other one knows neither the user nor its sessions. */
async function alone(preview: ApiClient, person: TestUser, timed: Timed): Promise<void> {
  const first = await timed('login', () => login(preview, person))
  await timed('verify', () => verify(preview, first))
  const refreshed = await timed('refresh', () => refresh(preview, first))
  await timed('verify, refreshed', () => verify(preview, refreshed))
  await timed('revoke', () => logout(preview, refreshed))
  await timed('revoked', () => untilRefused(preview, refreshed))
}

/** Sessions of each colour, used on the other one. */
async function cross(
  { live, preview }: Colors,
  person: TestUser,
  timed: Timed,
  unshared: ReadonlySet<SharedState>,
): Promise<void> {
  const sharesTokens = !unshared.has('tokens')
  const fromPreview = await timed('login', () => login(preview, person))
  await timed('verify', () => verify(preview, fromPreview))
  if (sharesTokens) await timed('verify, new token at the old colour', () => verify(live, fromPreview))
  const fromLive = await timed('login at the old colour', () => login(live, person))
  if (sharesTokens) await timed('verify, old token at the new colour', () => verify(preview, fromLive))
  const refreshedAtLive = await timed('refresh, new session at the old colour', () => refresh(live, fromPreview))
  const refreshedAtPreview = await timed('refresh, old session at the new colour', () => refresh(preview, fromLive))
  await timed('revoke at the old colour', () => logout(live, refreshedAtLive))
  const seesRevocations = sharesTokens && !unshared.has('redis')
  if (seesRevocations) await timed('revoked, seen by the new colour', () => untilRefused(preview, refreshedAtLive))
  await timed('revoke at the new colour', () => logout(preview, refreshedAtPreview))
  if (seesRevocations) await timed('revoked, seen by the old colour', () => untilRefused(live, refreshedAtPreview))
}

/** @returns false if registration discloses nothing, and the user can log in only after a mail */
async function register(call: ApiClient, { email, password }: TestUser): Promise<boolean> {
  const answer = await call('POST', '/v1/auth/register', { json: { email, password, name: 'Smoke test' } })
  expectStatus(answer, 201, 202)
  if (answer.status === 201) return true
  // An earlier version creates the user at once.
  const login = await call('POST', '/v1/auth/login', { json: { email, password } })
  expectStatus(login, 200, 401)
  return login.status === 200
}

async function login(call: ApiClient, { email, password }: TestUser): Promise<Tokens> {
  return tokensOf(await call('POST', '/v1/auth/login', { json: { email, password } }))
}

async function verify(call: ApiClient, { access }: Tokens): Promise<void> {
  expectStatus(await call('GET', '/v1/auth/verify', { bearer: access }), 200)
}

async function refresh(call: ApiClient, tokens: Tokens): Promise<Tokens> {
  return tokensOf(await call('POST', '/v1/auth/refresh', { json: { refresh_token: tokens.refresh } }))
}

async function logout(call: ApiClient, { access }: Tokens): Promise<void> {
  expectStatus(await call('POST', '/v1/auth/logout', { bearer: access }), 204)
}

async function untilRefused(call: ApiClient, { access }: Tokens): Promise<void> {
  const until = performance.now() + maxRevocationMilliseconds
  for (;;) {
    const answer = await call('GET', '/v1/auth/verify', { bearer: access })
    if (answer.status === 401) return
    if (performance.now() > until) expectStatus(answer, 401)
    await new Promise((again) => setTimeout(again, 50))
  }
}

/** Leaves no trace in the user collection. */
async function removeUser(call: ApiClient, person: TestUser): Promise<void> {
  const { access } = await login(call, person)
  expectStatus(await call('DELETE', '/v1/me', { bearer: access, json: { current_password: person.password } }), 204)
}

function tokensOf(answer: ApiResponse): Tokens {
  expectStatus(answer, 200)
  const { access_token: access, refresh_token: inBody } = answer.body
  // In cookie mode, the refresh token is in no body. A token in a body is accepted in every mode.
  const inCookie = answer.cookies.find((cookie) => cookie.startsWith(`${refreshCookie}=`))
  const refresh = inBody ?? inCookie?.slice(refreshCookie.length + 1)
  if (typeof access !== 'string' || typeof refresh !== 'string')
    throw new Error('the answer contains no pair of tokens')
  return { access, refresh }
}

function expectStatus({ status, body }: ApiResponse, ...expected: number[]): void {
  if (expected.includes(status)) return
  const code = typeof body['code'] === 'string' ? ` ${body['code']}` : ''
  throw new Error(`the answer was ${status}${code} instead of ${expected.join(' or ')}`)
}
