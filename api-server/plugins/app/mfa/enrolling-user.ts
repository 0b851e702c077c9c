import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller } from '../caller.ts'
import { enrolmentTokenPrefix } from '../opaque-token.ts'
import { problem } from '../problems/problem.ts'
import type { LoggedIn } from '../sessions/begin-session.ts'
import { presentedToken, type SessionClaims } from '../tokens/access-token.ts'
import { isActive, type StoredUser } from '../users/user.ts'

/** Who enrols a second factor. */
interface EnrollingUser {
  user: StoredUser
  claims: SessionClaims
  /** Whether the user has no session yet: the enrolment completes a login. */
  isLogin: boolean
}

/**
 * The user of an enrolment: of an access token, or of the token that a login has answered with, because the user must
 * enrol a second factor. Only routes that enrol one accept the latter.
 *
 * @param binding see `bindingOf`
 * @throws Problem 401, or 503
 */
export async function enrollingUser(
  app: FastifyInstance,
  request: FastifyRequest,
  binding: string,
  now: Date,
): Promise<EnrollingUser> {
  const token = presentedToken(request.headers.authorization)
  if (token?.startsWith(enrolmentTokenPrefix)) return enrollingUserOfLogin(app, token, binding, now)
  return { ...(await app.authenticateUser(request)), isLogin: false }
}

/**
 * The user of a login whose password was right, and who must enrol a second factor first.
 * @param token that the login has answered with @param binding see `bindingOf`
 * @throws Problem 401 `session_revoked`
 */
export async function enrollingUserOfLogin(
  app: FastifyInstance,
  token: string,
  binding: string,
  now: Date,
): Promise<EnrollingUser> {
  const pending = await app.mfa.challenges.find(token, 'enrolment', now)
  if (pending === null || pending.binding !== binding) throw ended()
  const sub = pending.userId.toString()
  const user = await app.users.findById(sub)
  // After the user was read: what ends the sessions of the user is either seen here, or by the write of the factor.
  if (user === null || !isActive(user) || pending.version < (await app.revocation.versionOf(sub))) throw ended()
  return { user, claims: { sub, sid: pending._id, ver: pending.version }, isLogin: true }
}

function ended() {
  return problem(401, 'session_revoked', 'The time to enrol a second factor is over. Log in again.')
}

/** Records that an enrolment has completed a login. */
export async function recordLoginByEnrolment(
  app: FastifyInstance,
  user: StoredUser,
  { tokens }: LoggedIn,
  { address }: Caller,
  now: Date,
): Promise<void> {
  await app.users.recordLogin(user, now, undefined)
  app.metrics.logins.inc({ outcome: 'success' })
  const about = { email: user.email, address, userId: user._id.toString(), sessionId: tokens.session._id }
  app.securityEvents.record('authn_login_success', about)
}
