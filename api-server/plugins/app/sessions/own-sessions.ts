import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { problem } from '../problems/problem.ts'
import { parseUserKey } from '../users/user-key.ts'
import type { Session } from './session.ts'

/** The active sessions of the user, most recently used first. @throws Problem 429 `rate_limited` */
export async function listOwnSessions(
  app: FastifyInstance,
  userId: string,
  caller: Caller,
  now: Date,
): Promise<Session[]> {
  await countUse(app, userId, caller)
  return app.sessions.list(parseUserKey(userId), await app.revocation.versionOf(userId), now)
}

/** @throws Problem 404 `not_found` when the session is of another user, 429 `rate_limited` */
export async function endOwnSession(
  app: FastifyInstance,
  userId: string,
  sessionId: string,
  caller: Caller,
): Promise<void> {
  await countUse(app, userId, caller)
  if (!(await app.sessions.isOf(sessionId, parseUserKey(userId)))) {
    throw problem(404, 'not_found', 'The session does not exist.')
  }
  await app.revocation.revokeSession(sessionId, 'session_deleted')
  app.securityEvents.record('authn_token_revoked', { userId, sessionId, address: caller.address })
}

/**
 * Ends all sessions of the user except one, also those whose codes are not redeemed yet.
 * @param sessionId of the session that goes on
 * @throws Problem 429 `rate_limited`
 */
export async function endOtherSessions(
  app: FastifyInstance,
  userId: string,
  sessionId: string,
  caller: Caller,
  now: Date,
): Promise<void> {
  await countUse(app, userId, caller)
  for (const other of await app.sessions.idsOfOthers(parseUserKey(userId), sessionId, now)) {
    await app.revocation.revokeSession(other, 'session_deleted')
    app.securityEvents.record('authn_token_revoked', { userId, sessionId: other, address: caller.address })
  }
}

function countUse(app: FastifyInstance, userId: string, { limits }: Caller): Promise<void> {
  return limits.use({ name: 'profile', subject: userId, rate: app.config.limits.profile })
}
