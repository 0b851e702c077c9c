import type { FastifyInstance } from 'fastify'
import { claimsOf } from './claims-of.ts'

/**
 * Ends the session that an access or refresh token belongs to, as RFC 7009 describes it. Either token ends the whole
 * session, because the other one would still give access. An unknown token changes nothing.
 * @throws Problem 503 `database_unavailable`
 */
export async function revokeToken(
  app: FastifyInstance,
  token: string,
  by: { clientId: string | undefined; address: string },
): Promise<void> {
  const sessionId = await sessionOf(app, token)
  if (sessionId === undefined) return
  await app.revocation.revokeSession(sessionId, 'client')
  const { clientId, address } = by
  app.securityEvents.record('authn_token_revoked', { sessionId, address, reason: `client ${clientId}` })
}

async function sessionOf(app: FastifyInstance, token: string): Promise<string | undefined> {
  const claims = await claimsOf(app, token)
  if (claims !== undefined) return claims.sid
  const found = await app.sessions.inspect(token)
  return found === undefined || found.outcome === 'unknown' ? undefined : found.session._id
}
