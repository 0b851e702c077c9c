import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { checkCurrentPassword } from '../accounts/password-change.ts'
import type { Caller } from '../caller.ts'
import { problem } from '../problems/problem.ts'
import { byTwoFactors } from '../sessions/authentication.ts'
import { beginSession, type LoggedIn } from '../sessions/begin-session.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { StoredUser } from '../users/user.ts'
import type { PendingTotp } from './challenge-store.ts'
import { secretSubject, WrongCode } from './check-code.ts'
import { maxFactors } from './factor-store.ts'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.ts'
import { requireStepUp } from './step-up.ts'
import { newTotpSecret, otpauthUrl, stepOfCode } from './totp.ts'

/** An authenticator app that is not confirmed yet. */
export interface StartedTotp {
  /** Names the enrolment when it is confirmed. */
  token: string
  /** In base32, shown once. */
  secret: string
  otpauthUrl: string
}

/**
 * Begins to enrol an authenticator app, given the password, and a recent second factor if the user has one.
 *
 * @throws Problem 401 `insufficient_user_authentication`, 403 `password_wrong`, 409 `mfa_too_many`, 422, 429, 503
 */
export async function startTotp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { currentPassword, name }: { currentPassword: string; name: string },
  caller: Caller,
  now: Date,
): Promise<StartedTotp> {
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  await requireStepUp(app, user, claims, now)
  await checkCurrentPassword(app, user, currentPassword, caller)
  if (((await app.mfa.factors.find(user._id))?.factors.length ?? 0) >= maxFactors) throw tooMany()
  const [secret, factorId] = [newTotpSecret(), randomUUID()]
  const sealed = app.mfa.keys.seal(secret, secretSubject(user._id, factorId), now)
  const token = await app.mfa.challenges.begin(
    { purpose: 'totp', userId: user._id, version: claims.ver, sessionId: claims.sid, factorId, name, secret: sealed },
    now,
  )
  return { token, secret, otpauthUrl: otpauthUrl(secret, user.email, app.config.mfa.serviceName) }
}

export interface Enrolled {
  factorId: string
  /** A new session: enrolling ends all others. */
  loggedIn: LoggedIn
  /** With the first factor; shown once. */
  recoveryCodes: string[] | undefined
}

/**
 * Confirms an authenticator app with a code, which it uses up. From then on, a login needs a second factor. All sessions,
 * links and known devices of the user end, because they may be those of others, and the caller gets a new session.
 *
 * @throws Problem 401 `session_revoked`, 403 `mfa_code_wrong`, 404 `not_found`, 409 `mfa_too_many`, 429, 503
 */
export async function confirmTotp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { token, code }: { token: string; code: string },
  caller: Caller,
  now: Date,
): Promise<Enrolled> {
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  const pending = await app.mfa.challenges.find(token, 'totp', now)
  if (pending === null || pending.userId.toString() !== userId || pending.sessionId !== claims.sid) {
    throw problem(404, 'not_found', 'The enrolment has expired or was already confirmed. Begin again.')
  }
  const secret = app.mfa.keys.unseal(pending.secret, secretSubject(user._id, pending.factorId))
  const lastStep = stepOfCode(secret, code, now)
  if (lastStep === undefined) {
    await app.mfa.challenges.fail(pending)
    throw new WrongCode('wrong')
  }
  const recoveryCodes = await addFactor(app, user, claims, pending, lastStep, now)
  const loggedIn = await sessionAfterChange(app, user, caller, now)
  app.securityEvents.record('authn_mfa_enrolled', { userId, address: caller.address, reason: 'totp' })
  app.mail.later('second_factor_added', async () => ({ kind: 'second_factor_added', to: user.email }))
  return { factorId: pending.factorId, loggedIn, recoveryCodes }
}

/** @returns the recovery codes that come with the first factor */
async function addFactor(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  pending: PendingTotp,
  lastStep: number,
  now: Date,
): Promise<string[] | undefined> {
  const { factorId: id, name, secret } = pending
  const codes = newRecoveryCodes()
  let isFirst = false
  await app.revocation.revokeUser(user._id.toString(), 'mfa_change', async (session) => {
    await app.revocation.requireCurrent(claims, session)
    if (!(await app.mfa.challenges.consume(pending, session))) {
      throw problem(404, 'not_found', 'The enrolment has expired or was already confirmed. Begin again.')
    }
    const factor = { id, type: 'totp', name, secret, createdAt: now, lastUsedAt: now, lastStep } as const
    const added = await app.mfa.factors.add(user._id, factor, hashesOf(user, codes), session)
    if (added === 'full') throw tooMany()
    isFirst = added === 'first'
  })
  return isFirst ? codes : undefined
}

/** The user is at the device, with the password and a code: they need not log in again. */
async function sessionAfterChange(
  app: FastifyInstance,
  user: StoredUser,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  const version = await app.revocation.versionOf(user._id.toString())
  const authentication = { at: now, methods: byTwoFactors }
  return beginSession(app, { user, version, device: null, authentication, replacedToken: undefined }, caller, now)
}

/**
 * Replaces the recovery codes, given a recent second factor.
 * @returns the new codes, shown once
 * @throws Problem 401 `insufficient_user_authentication`, 404 `not_found` without a second factor, 429
 */
export async function renewRecoveryCodes(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  caller: Caller,
  now: Date,
): Promise<string[]> {
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  await requireStepUp(app, user, claims, now)
  const codes = newRecoveryCodes()
  if (!(await app.mfa.factors.replaceRecoveryCodes(user._id, hashesOf(user, codes)))) {
    throw problem(404, 'not_found', 'The user has no second factor.')
  }
  app.securityEvents.record('authn_mfa_recovery_codes_renewed', { userId, address: caller.address })
  app.mail.later('recovery_codes_renewed', async () => ({ kind: 'recovery_codes_renewed', to: user.email }))
  return codes
}

function hashesOf({ _id }: StoredUser, codes: readonly string[]): string[] {
  return codes.flatMap((code) => recoveryCodeHash(_id, code) ?? [])
}

function tooMany() {
  return problem(409, 'mfa_too_many', `A user has at most ${maxFactors} second factors. Remove one first.`)
}
