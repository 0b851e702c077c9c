import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { addressKey } from '../limits/address-key.ts'
import type { AccessTokenClaims } from '../tokens/access-token.ts'
import { sessionIdOf } from './refresh-token.ts'

/** The tokens that identify the sessions that a logout ends: the access token, the refresh token, or both. */
export interface LogoutTokens {
  /** The claims of a valid access token. */
  claims: AccessTokenClaims | undefined
  /** As presented. */
  refreshToken: string | undefined
}

/**
 * Ends the sessions that the tokens name.
 * @returns whether they name any
 * @throws Problem 429 `rate_limited`, 503 `database_unavailable`
 */
export async function logOut(
  app: FastifyInstance,
  { claims, refreshToken }: LogoutTokens,
  caller: Caller,
): Promise<boolean> {
  if (refreshToken !== undefined) {
    const subject = `${sessionIdOf(refreshToken) ?? 'unknown'}:${addressKey(caller.address)}`
    await caller.limits.use({ name: 'logout', subject, rate: app.config.limits.refresh })
  }
  const sessions = new Map<string, NamedSession>()
  if (claims !== undefined) sessions.set(claims.sid, { userId: claims.sub, hasEnded: false })
  const named = refreshToken === undefined ? undefined : await sessionNamedBy(app, refreshToken)
  if (named !== undefined) sessions.set(named.sessionId, named)

  for (const [sessionId, { userId, hasEnded }] of sessions) {
    // Without this, callers could fill the database with the token of a session that has ended.
    if (hasEnded) continue
    await app.revocation.revokeSession(sessionId, 'logout')
    app.securityEvents.record('authn_token_revoked', { userId, sessionId, address: caller.address })
  }
  return sessions.size > 0
}

/** Ends every session of a user. @throws when MongoDB is unavailable */
export async function logOutEverywhere(app: FastifyInstance, userId: string, { address }: Caller): Promise<void> {
  await app.revocation.revokeUser(userId, 'logout_all')
  app.securityEvents.record('authn_token_revoked', { userId, address, reason: 'logout_all' })
}

interface NamedSession {
  userId: string
  hasEnded: boolean
}

/** With any token that the session has ever had, so that a client that lost the response to its refresh can log out. */
async function sessionNamedBy(
  app: FastifyInstance,
  refreshToken: string,
): Promise<(NamedSession & { sessionId: string }) | undefined> {
  const found = await app.sessions.inspect(refreshToken)
  if (found === undefined || found.outcome === 'unknown') return undefined
  const { _id: sessionId, userId } = found.session
  return { sessionId, userId: userId.toString(), hasEnded: found.outcome === 'revoked' }
}
