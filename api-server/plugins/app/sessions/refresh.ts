import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { isActive } from '../users/user.ts'
import { type IssuedTokens, issueTokens } from './issue-tokens.ts'
import { sessionIdOf } from './refresh-token.ts'
import { hasRequiredFactor } from './required-factor.ts'
import type { RefreshResult } from './store.ts'

/** New tokens, or why there are none, so that the browser deletes its refresh token. */
export type Refreshed = { tokens: IssuedTokens; refusal?: never } | { tokens?: never; refusal: Problem }

/** @throws Problem 429 `rate_limited`, 503 `not_ready` or `database_unavailable`: the refresh token stays valid */
export async function refreshTokens(
  app: FastifyInstance,
  presented: string,
  caller: Caller,
  now: Date,
): Promise<Refreshed> {
  // With the address, because the ID of a session is not secret, so that no other address can use up its limit.
  const subject = `${sessionIdOf(presented) ?? 'unknown'}:${caller.address}`
  await caller.limits.use({ name: 'refresh', subject, rate: app.config.limits.refresh })
  const result = await app.sessions.refresh(presented)
  if (result.outcome !== 'refreshed') return { refusal: await refuse(app, result, caller) }

  const { session, refreshToken } = result
  const userId = session.userId.toString()
  const about = { userId, sessionId: session._id, address: caller.address }
  // After the rotation: a revocation since the login is either seen here, or ends the access token below.
  const [user, version] = await Promise.all([app.users.findById(userId), app.revocation.versionOf(userId)])
  if (user === null || !isActive(user) || session.version < version) return { refusal: sessionRevoked() }
  if (!(await hasRequiredFactor(app, user, session, now))) {
    await app.revocation.revokeSession(session._id, 'mfa_policy')
    app.securityEvents.record('authn_token_revoked', { ...about, reason: 'no second factor' })
    return { refusal: problem(401, 'second_factor_required', 'Your account needs a second factor. Log in again.') }
  }
  const tokens = await issueTokens(app, user, session, refreshToken)
  app.securityEvents.record('session_renewed', about)
  return { tokens }
}

/** A token that was used before may be stolen: the whole family ends. */
async function refuse(
  app: FastifyInstance,
  result: Exclude<RefreshResult, { outcome: 'refreshed' }>,
  { address }: Caller,
): Promise<Problem> {
  switch (result.outcome) {
    case 'unknown':
      return problem(401, 'refresh_invalid', 'The refresh token is unknown. Log in again.')
    case 'expired':
      app.securityEvents.record('session_expired', { sessionId: result.session._id, address })
      return problem(401, 'refresh_expired', 'The session has expired. Log in again.')
    case 'revoked':
      return sessionRevoked()
    case 'reused': {
      const { _id: sessionId, userId } = result.session
      await app.revocation.revokeSession(sessionId, 'reuse')
      app.securityEvents.record('authn_token_reuse', { userId: userId.toString(), sessionId, address })
      return problem(
        401,
        'refresh_reused',
        'The refresh token was already used, so the session was ended. Log in again.',
      )
    }
  }
}

function sessionRevoked(): Problem {
  return problem(401, 'session_revoked', 'The session has ended. Log in again.')
}
