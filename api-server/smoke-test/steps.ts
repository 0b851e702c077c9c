import { randomBytes } from 'node:crypto'
import type { SharedState } from '@authservice-operator/contract/shared-state.ts'
import { type ApiClient, untilReachable } from './client.ts'
import { allowsApps, expectStatus, NeedsPasskeyError, Person, type Tokens, tokensOf } from './person.ts'

/** The two colours: the one with the traffic, and the one under test. */
export interface Colors {
  live: ApiClient
  preview: ApiClient
}

/** A failed step. The message contains the expected and the actual result. */
export class SmokeTestError extends Error {
  override name = 'SmokeTestError'
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
  const timed = timedBy(onStep)
  const email = `smoke-test-${randomBytes(12).toString('hex')}@smoke-test.invalid`
  const person = new Person(email, randomBytes(24).toString('base64url'))
  await reachBoth(colors, onStep, maxMillisecondsUnreachable)
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

/**
 * The only step that needs no user.
 * @throws SmokeTestError
 */
export async function reachBoth(
  { live, preview }: Colors,
  onStep: (step: string, milliseconds: number) => void,
  maxMillisecondsUnreachable = 20_000,
): Promise<void> {
  await timedBy(onStep)('reach both colours', () =>
    Promise.all([live, preview].map((call) => untilReachable(call, maxMillisecondsUnreachable))),
  )
}

type Timed = <Result>(step: string, work: () => Promise<Result>) => Promise<Result>

function timedBy(onStep: (step: string, milliseconds: number) => void): Timed {
  return async (step, work) => {
    const started = performance.now()
    const result = await work().catch((error: unknown) => {
      throw new SmokeTestError(`${step}: ${error instanceof Error ? error.message : error}`)
    })
    onStep(step, Math.round(performance.now() - started))
    return result
  }
}

/** A colour with its own database: the other one knows neither the user nor its sessions. */
async function alone(preview: ApiClient, person: Person, timed: Timed): Promise<void> {
  const first = await timed('login', () => person.logIn(preview))
  await timed('verify', () => verify(preview, first))
  const refreshed = await timed('refresh', () => refresh(preview, first))
  await timed('verify, refreshed', () => verify(preview, refreshed))
  const factors = await secondFactorsAt(preview, refreshed)
  await timed('revoke', () => logout(preview, refreshed))
  await timed('revoked', () => untilRefused(preview, refreshed))
  if (factors === 'with apps') await secondFactor(preview, preview, person, timed)
}

/** Sessions of each colour, used on the other one. */
async function cross(
  { live, preview }: Colors,
  person: Person,
  timed: Timed,
  unshared: ReadonlySet<SharedState>,
): Promise<void> {
  const sharesTokens = !unshared.has('tokens')
  const first = await timed('login', () => person.logIn(preview))
  await timed('verify', () => verify(preview, first))
  if (sharesTokens) await timed('verify, new token at the old colour', () => verify(live, first))
  const fromLive = await timed('login at the old colour', () => person.logIn(live).catch(unlessNeedsPasskey))
  // The old colour gives this user no session.
  if (fromLive === undefined) return alone(preview, person, timed)
  // An enrolment ends all sessions.
  const fromPreview = fromLive.hasEnrolled ? await timed('login again', () => person.logIn(preview)) : first
  if (sharesTokens) await timed('verify, old token at the new colour', () => verify(preview, fromLive))
  const factors = {
    live: await secondFactorsAt(live, fromLive),
    preview: await secondFactorsAt(preview, fromPreview),
  }
  // A colour that requires a second factor ends the sessions of one that knows none.
  const isRequired = first.hasEnrolled || fromLive.hasEnrolled
  const [atLive, atPreview] =
    isRequired && (factors.live === 'none') !== (factors.preview === 'none')
      ? [fromLive, fromPreview]
      : [fromPreview, fromLive]
  const refreshedAtLive = await timed('refresh, new session at the old colour', () => refresh(live, atLive))
  const refreshedAtPreview = await timed('refresh, old session at the new colour', () => refresh(preview, atPreview))
  await timed('revoke at the old colour', () => logout(live, refreshedAtLive))
  const seesRevocations = sharesTokens && !unshared.has('redis')
  if (seesRevocations) await timed('revoked, seen by the new colour', () => untilRefused(preview, refreshedAtLive))
  await timed('revoke at the new colour', () => logout(preview, refreshedAtPreview))
  if (seesRevocations) await timed('revoked, seen by the old colour', () => untilRefused(live, refreshedAtPreview))
  if (factors.preview === 'none') return
  const enrolling = factors.live === 'with apps' ? live : preview
  // An app that is enrolled at the old colour also answers at one that allows no new apps.
  if (enrolling === live || factors.preview === 'with apps') await secondFactor(enrolling, preview, person, timed)
}

function unlessNeedsPasskey(error: unknown): undefined {
  if (!(error instanceof NeedsPasskeyError)) throw error
}

/** An app that is enrolled at one colour answers at the new one, which therefore has the key of its secret. */
async function secondFactor(enrolling: ApiClient, preview: ApiClient, person: Person, timed: Timed): Promise<void> {
  const session = await timed('login to enrol', () => person.logIn(enrolling))
  const where = enrolling === preview ? 'the new' : 'the old'
  await timed(`enrol an app at ${where} colour`, () => person.enrol(enrolling, session.access))
  const { access } = await timed('login with its code', () => person.logIn(preview))
  await timed('verify, two factors', async () =>
    expectStatus(await preview('GET', '/v1/auth/verify?acr=aal2', { bearer: access }), 200),
  )
}

/** A colour of an earlier version, or without second factors, has no such route. */
async function secondFactorsAt(
  call: ApiClient,
  { access }: Tokens,
): Promise<'none' | 'with apps' | 'without new apps'> {
  const answer = await call('GET', '/v1/me/mfa', { bearer: access })
  expectStatus(answer, 200, 404)
  if (answer.status === 404) return 'none'
  return allowsApps(answer) ? 'with apps' : 'without new apps'
}

/** @returns false if registration discloses nothing, and the user can log in only after a mail */
async function register(call: ApiClient, { email, password }: Person): Promise<boolean> {
  const answer = await call('POST', '/v1/auth/register', { json: { email, password, name: 'Smoke test' } })
  expectStatus(answer, 201, 202)
  if (answer.status === 201) return true
  // An earlier version creates the user at once.
  const login = await call('POST', '/v1/auth/login', { json: { email, password } })
  expectStatus(login, 200, 401)
  return login.status === 200
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
async function removeUser(call: ApiClient, person: Person): Promise<void> {
  const { access } = await person.logIn(call)
  expectStatus(await call('DELETE', '/v1/me', { bearer: access, json: { current_password: person.password } }), 204)
}
