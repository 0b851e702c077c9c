import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import { checkCurrentPassword } from '../accounts/password-change.ts'
import type { Caller } from '../caller.ts'
import { problem } from '../problems/problem.ts'
import type { AuthenticationMethod } from '../sessions/authentication.ts'
import { beginSession, type LoggedIn } from '../sessions/begin-session.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { StoredUser } from '../users/user.ts'
import { type Factor, maxFactors } from './factor-store.ts'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.ts'
import { requireStepUp } from './step-up.ts'

/**
 * Allows a user to begin an enrolment: given the password, and a recent second factor if the user has one.
 * @param currentPassword undefined: it was right at the first step of this login
 * @returns the factors that the user has
 * @throws Problem 401 `insufficient_user_authentication`, 403 `password_wrong`, 409 `mfa_too_many`, 422, 429, 503
 */
export async function requireMayEnrol(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  currentPassword: string | undefined,
  caller: Caller,
  now: Date,
): Promise<readonly Factor[]> {
  await useSensitive(app, user, caller)
  await requireStepUp(app, user, claims, now)
  if (currentPassword !== undefined) await checkCurrentPassword(app, user, currentPassword, caller)
  const factors = (await app.mfa.factors.find(user._id))?.factors ?? []
  if (factors.length >= maxFactors) throw tooMany()
  return factors
}

/** @throws Problem 429 `rate_limited` */
export function useSensitive(app: FastifyInstance, { _id }: StoredUser, { limits }: Caller): Promise<void> {
  return limits.use({ name: 'sensitive', subject: _id.toString(), rate: app.config.limits.sensitive })
}

export interface Enrolled {
  factorId: string
  /** A new session: enrolling ends all others. */
  loggedIn: LoggedIn
  /** With the first factor; shown once. */
  recoveryCodes: string[] | undefined
}

export interface NewFactor {
  factor: Factor
  /** How the user has authenticated for it. */
  methods: readonly AuthenticationMethod[]
  /** An additional check in the transaction. It may run more than once. */
  check?: (transaction: ClientSession) => Promise<void>
}

/**
 * Adds a factor of which the user has shown possession. From then on, a login needs a second factor. All sessions, links
 * and known devices of the user end, because they may be those of others, and the caller gets a new session.
 *
 * @throws Problem 401 `session_revoked`, 409 `mfa_too_many`, 503, and what `check` throws
 * @throws FactorTakenError if a user has a factor with this ID
 */
export async function addFactor(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  { factor, methods, check }: NewFactor,
  caller: Caller,
  now: Date,
): Promise<Enrolled> {
  const userId = user._id.toString()
  const codes = newRecoveryCodes()
  let isFirst = false
  await app.revocation.revokeUser(userId, 'mfa_change', async (transaction) => {
    await app.revocation.requireCurrent(claims, transaction)
    await check?.(transaction)
    const added = await app.mfa.factors.add(user._id, factor, hashesOf(user, codes), transaction)
    if (added === 'full') throw tooMany()
    isFirst = added === 'first'
  })
  // The user is at the device, with the password and the factor: they need not log in again.
  const version = await app.revocation.versionOf(userId)
  const authentication = { at: now, methods }
  const loggedIn = await beginSession(
    app,
    { user, version, device: null, authentication, replacedToken: undefined },
    caller,
    now,
  )
  app.securityEvents.record('authn_mfa_enrolled', { userId, address: caller.address, reason: factor.type })
  app.mail.later('second_factor_added', caller.language, async () => ({ kind: 'second_factor_added', to: user.email }))
  return { factorId: factor.id, loggedIn, recoveryCodes: isFirst ? codes : undefined }
}

/** The recovery codes as they are stored. */
export function hashesOf({ _id }: StoredUser, codes: readonly string[]): string[] {
  return codes.flatMap((code) => recoveryCodeHash(_id, code) ?? [])
}

function tooMany() {
  return problem(409, 'mfa_too_many', `A user has at most ${maxFactors} second factors. Remove one first.`)
}
