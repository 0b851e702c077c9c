import { randomBytes } from 'node:crypto'
import { refreshCookie } from '../plugins/app/cookie-mode/cookie-names.ts'
import { type Answer, type Call, untilReachable } from './client.ts'

/** The two colours: the one that has the traffic, and the one that may get it. */
export interface Colors {
  live: Call
  preview: Call
}

/** A step that did not go as it must. The message says what was expected and what came. */
export class SmokeTestError extends Error {
  override name = 'SmokeTestError'
}

interface Person {
  email: string
  password: string
}

interface Tokens {
  access: string
  refresh: string
}

/** A session that ended on one colour is refused by the other one within this time. */
const mostRevocationMilliseconds = 3_000

/**
 * What a user goes through, across the colours: an update must neither end a session nor forget that one has ended.
 *
 * @param mostMillisecondsUnreachable how long a colour may be without an answer before the first step
 * @param onStep told of each step that passed, with its time in milliseconds
 * @throws SmokeTestError at the first step that fails; the user is removed all the same
 */
export async function runSmokeTest(
  colors: Colors,
  onStep: (step: string, milliseconds: number) => void,
  mostMillisecondsUnreachable = 20_000,
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
    Promise.all([live, preview].map((call) => untilReachable(call, mostMillisecondsUnreachable))),
  )
  await timed('register', () => register(preview, person))
  const outcome = await cross(colors, person, timed).then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  // A version that cannot log the user in cannot remove it either: then the other one does.
  await timed('clean up', () => removeUser(preview, person).catch(() => removeUser(live, person))).catch((error) => {
    if (outcome === undefined) throw error // else the first failure is the one to tell
  })
  if (outcome !== undefined) throw outcome.error
}

type Timed = <Result>(step: string, work: () => Promise<Result>) => Promise<Result>

/** Sessions of each colour, used at the other one. */
async function cross({ live, preview }: Colors, person: Person, timed: Timed): Promise<void> {
  const fromPreview = await timed('login', () => login(preview, person))
  await timed('verify', () => verify(preview, fromPreview))
  await timed('verify, new token at the old colour', () => verify(live, fromPreview))
  const fromLive = await timed('login at the old colour', () => login(live, person))
  await timed('verify, old token at the new colour', () => verify(preview, fromLive))
  const refreshedAtLive = await timed('refresh, new session at the old colour', () => refresh(live, fromPreview))
  const refreshedAtPreview = await timed('refresh, old session at the new colour', () => refresh(preview, fromLive))
  await timed('revoke at the old colour', () => logout(live, refreshedAtLive))
  await timed('revoked, seen by the new colour', () => untilRefused(preview, refreshedAtLive))
  await timed('revoke at the new colour', () => logout(preview, refreshedAtPreview))
  await timed('revoked, seen by the old colour', () => untilRefused(live, refreshedAtPreview))
}

async function register(call: Call, person: Person): Promise<void> {
  const answer = await call('POST', '/v1/auth/register', { json: { ...person, name: 'Smoke test' } })
  // 202 where registering does not tell whether an email is taken.
  expectStatus(answer, 201, 202)
}

async function login(call: Call, { email, password }: Person): Promise<Tokens> {
  return tokensOf(await call('POST', '/v1/auth/login', { json: { email, password } }))
}

async function verify(call: Call, { access }: Tokens): Promise<void> {
  expectStatus(await call('GET', '/v1/auth/verify', { bearer: access }), 200)
}

async function refresh(call: Call, tokens: Tokens): Promise<Tokens> {
  return tokensOf(await call('POST', '/v1/auth/refresh', { json: { refresh_token: tokens.refresh } }))
}

async function logout(call: Call, { access }: Tokens): Promise<void> {
  expectStatus(await call('POST', '/v1/auth/logout', { bearer: access }), 204)
}

async function untilRefused(call: Call, { access }: Tokens): Promise<void> {
  const until = performance.now() + mostRevocationMilliseconds
  for (;;) {
    const answer = await call('GET', '/v1/auth/verify', { bearer: access })
    if (answer.status === 401) return
    if (performance.now() > until) expectStatus(answer, 401)
    await new Promise((again) => setTimeout(again, 50))
  }
}

/** Leaves no trace in the user collection. */
async function removeUser(call: Call, person: Person): Promise<void> {
  const { access } = await login(call, person)
  expectStatus(await call('DELETE', '/v1/me', { bearer: access, json: { current_password: person.password } }), 204)
}

function tokensOf(answer: Answer): Tokens {
  expectStatus(answer, 200)
  const { access_token: access, refresh_token: inBody } = answer.body
  // In cookie mode the refresh token is in no body; where it is sent in one, it is taken in every mode.
  const inCookie = answer.cookies.find((cookie) => cookie.startsWith(`${refreshCookie}=`))
  const refresh = inBody ?? inCookie?.slice(refreshCookie.length + 1)
  if (typeof access !== 'string' || typeof refresh !== 'string') throw new Error('the answer has no pair of tokens')
  return { access, refresh }
}

function expectStatus({ status, body }: Answer, ...expected: number[]): void {
  if (expected.includes(status)) return
  const code = typeof body['code'] === 'string' ? ` ${body['code']}` : ''
  throw new Error(`the answer was ${status}${code} instead of ${expected.join(' or ')}`)
}
