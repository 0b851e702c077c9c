import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import { Problem, problem } from '../problems/problem.ts'
import { type AuthenticationMethod, byTwoFactors } from '../sessions/authentication.ts'
import { beginSession, type LoggedIn } from '../sessions/begin-session.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import type { PendingLogin } from './challenge-store.ts'
import { checkCode, type PresentedCode } from './check-code.ts'
import { RefusedFactor } from './refused-factor.ts'
import { rememberedFactor } from './remembered-device.ts'

/** What identifies a login whose password was right. */
export interface SecondStepClient {
  mfaToken: string
  /** See `bindingOf`. */
  binding: string
}

export type SecondStep = SecondStepClient &
  PresentedCode & {
    /** Whether later logins from this device shall need only the password. */
    rememberDevice: boolean
  }

/**
 * Completes a login whose password was right.
 *
 * @param replacedToken the refresh token that the browser of the caller has: its session ends
 * @throws Problem 401 `mfa_token_invalid`, 403 `mfa_code_wrong`, 429 `rate_limited` or `locked`, 503
 */
export async function completeLogin(
  app: FastifyInstance,
  { mfaToken, binding, rememberDevice, ...presented }: SecondStep,
  replacedToken: string | undefined,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  const opened = await openSecondStep(app, { mfaToken, binding }, now)
  const device = await countGuess(app, opened, () => checkCode(app, opened.user, presented, caller, now))
  return finishSecondStep(app, opened, { device, methods: byTwoFactors, rememberDevice }, replacedToken, caller, now)
}

export interface OpenedSecondStep {
  pending: PendingLogin
  user: StoredUser
}

/** Finds the login that the second step belongs to. @throws Problem 401 `mfa_token_invalid` */
export async function openSecondStep(
  app: FastifyInstance,
  { mfaToken, binding }: SecondStepClient,
  now: Date,
): Promise<OpenedSecondStep> {
  const pending = await app.mfa.challenges.find(mfaToken, 'login', now)
  if (pending === null || pending.binding !== binding) throw invalidMfaToken()
  const userId = pending.userId.toString()
  const user = await app.users.findById(userId)
  if (user === null || !isActive(user) || pending.version < (await app.revocation.versionOf(userId))) {
    throw invalidMfaToken()
  }
  return { pending, user }
}

/** Begins the session of a user who has shown a second factor. @throws Problem 401 `mfa_token_invalid`, 503 */
export async function finishSecondStep(
  app: FastifyInstance,
  { pending, user }: OpenedSecondStep,
  {
    device,
    methods,
    rememberDevice,
  }: { device: KnownDevice | null; methods: readonly AuthenticationMethod[]; rememberDevice: boolean },
  replacedToken: string | undefined,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  if (!(await app.mfa.challenges.consume(pending))) throw invalidMfaToken()
  const recorded = await app.users.recordLogin(user, now, undefined)
  if (recorded === null) throw invalidMfaToken()
  // With the version of the first step: what ended the user's sessions since then ends this one.
  const { version } = pending
  const authentication = { at: now, methods: pending.isByProvider === true ? afterProvider(methods) : methods }
  const isToRemember = rememberDevice && (await app.mfa.rememberSeconds(recorded, now)) > 0
  const secondFactor = isToRemember ? rememberedFactor(caller, now) : undefined
  const loggedIn = await beginSession(
    app,
    { user: recorded, version, device, authentication, replacedToken, secondFactor },
    caller,
    now,
  )
  const sessionId = loggedIn.tokens.session._id
  const userId = user._id.toString()
  const about = { email: user.email, address: caller.address, userId, sessionId }
  app.metrics.logins.inc({ outcome: 'success' })
  app.securityEvents.record('authn_login_success', about)
  if (isToRemember) app.securityEvents.record('authn_mfa_device_remembered', { userId, address: caller.address })
  return loggedIn
}

/** @param methods those of a login with a password and a second factor */
function afterProvider(methods: readonly AuthenticationMethod[]): readonly AuthenticationMethod[] {
  return methods.map((method) => (method === 'pwd' ? 'fed' : method))
}

/** Runs the check of a second factor. A guess that fails counts for the login. */
export async function countGuess<Result>(
  app: FastifyInstance,
  { pending }: OpenedSecondStep,
  check: () => Promise<Result>,
): Promise<Result> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof RefusedFactor && error.isGuess) await app.mfa.challenges.fail(pending)
    // The user had a second factor at the first step, and has none now.
    if (error instanceof Problem && error.code === 'not_found') throw invalidMfaToken()
    throw error
  }
}

function invalidMfaToken(): Problem {
  return problem(401, 'mfa_token_invalid', 'The login has expired or was already completed. Log in again.')
}
