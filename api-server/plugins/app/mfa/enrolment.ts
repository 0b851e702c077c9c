import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import type { Caller } from '../caller.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { byTwoFactors } from '../sessions/authentication.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { StoredUser } from '../users/user.ts'
import { addFactor, type Enrolled, hashesOf, requireMayEnrol, useSensitive } from './add-factor.ts'
import { secretSubject, WrongCode } from './check-code.ts'
import { newRecoveryCodes } from './recovery-code.ts'
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
 * @param start.currentPassword undefined: it was right at the first step of this login
 * @throws Problem 401 `insufficient_user_authentication`, 403 `totp_not_allowed` or `password_wrong`, 409 `mfa_too_many`,
 * 422, 429, 503
 */
export async function startTotp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { currentPassword, name }: { currentPassword: string | undefined; name: string },
  caller: Caller,
  now: Date,
): Promise<StartedTotp> {
  requireTotpAllowed(app)
  await requireMayEnrol(app, user, claims, currentPassword, caller, now)
  const [secret, factorId] = [newTotpSecret(), randomUUID()]
  const sealed = app.mfa.keys.seal(secret, secretSubject(user._id, factorId), now)
  const token = await app.mfa.challenges.begin(
    { purpose: 'totp', userId: user._id, version: claims.ver, sessionId: claims.sid, factorId, name, secret: sealed },
    now,
  )
  return { token, secret, otpauthUrl: otpauthUrl(secret, user.email, app.config.mfa.serviceName) }
}

/**
 * An authenticator app that the user has begun to enrol, for a page that shows it again.
 * @throws Problem 404 `not_found` when the enrolment has expired or was confirmed
 */
export async function startedTotp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  token: string,
  now: Date,
): Promise<StartedTotp> {
  const { secret: sealed, factorId } = await pendingTotp(app, user, claims, token, now)
  const secret = app.mfa.keys.unseal(sealed, secretSubject(user._id, factorId))
  return { token, secret, otpauthUrl: otpauthUrl(secret, user.email, app.config.mfa.serviceName) }
}

/** @throws Problem 404 `not_found` */
async function pendingTotp(app: FastifyInstance, user: StoredUser, claims: SessionClaims, token: string, now: Date) {
  const pending = await app.mfa.challenges.find(token, 'totp', now)
  if (pending === null || pending.userId.toString() !== user._id.toString() || pending.sessionId !== claims.sid) {
    throw unknownEnrolment()
  }
  return pending
}

/**
 * Confirms an authenticator app with a code, which it uses up.
 * @throws Problem 401 `session_revoked`, 403 `totp_not_allowed` or `mfa_code_wrong`, 404 `not_found`, 409 `mfa_too_many`,
 * 429, 503
 */
export async function confirmTotp(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { token, code }: { token: string; code: string },
  caller: Caller,
  now: Date,
): Promise<Enrolled> {
  // The enrolment may have begun on a server with another setting.
  requireTotpAllowed(app)
  await useSensitive(app, user, caller)
  const pending = await pendingTotp(app, user, claims, token, now)
  const { factorId: id, name, secret } = pending
  const lastStep = stepOfCode(app.mfa.keys.unseal(secret, secretSubject(user._id, id)), code, now)
  if (lastStep === undefined) {
    await app.mfa.challenges.fail(pending)
    throw new WrongCode('wrong')
  }
  const factor = { id, type: 'totp', name, secret, createdAt: now, lastUsedAt: now, lastStep } as const
  const check = async (transaction: ClientSession) => {
    if (!(await app.mfa.challenges.consume(pending, transaction))) throw unknownEnrolment()
  }
  return addFactor(app, user, claims, { factor, methods: byTwoFactors, check }, caller, now)
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
  await useSensitive(app, user, caller)
  await requireStepUp(app, user, claims, now)
  const codes = newRecoveryCodes()
  if (!(await app.mfa.factors.replaceRecoveryCodes(user._id, hashesOf(user, codes)))) {
    throw problem(404, 'not_found', 'The user has no second factor.')
  }
  app.securityEvents.record('authn_mfa_recovery_codes_renewed', {
    userId: user._id.toString(),
    address: caller.address,
  })
  app.mail.later('recovery_codes_renewed', caller.language, async () => ({
    kind: 'recovery_codes_renewed',
    to: user.email,
  }))
  return codes
}

/** @throws Problem 403 `totp_not_allowed` */
function requireTotpAllowed(app: FastifyInstance): void {
  if (app.config.mfa.allowedTypes.includes('totp')) return
  throw problem(403, 'totp_not_allowed', 'New authenticator apps are not allowed. Add a passkey instead.')
}

function unknownEnrolment(): Problem {
  return problem(404, 'not_found', 'The enrolment has expired or was already confirmed. Begin again.')
}
