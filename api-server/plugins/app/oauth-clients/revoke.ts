import type { FastifyInstance } from 'fastify'
import { claimsOf } from './claims-of.ts'
import { mayUse, type TokenClient } from './token-client.ts'

/**
 * Ends the session that an access or refresh token belongs to, as RFC 7009 describes it. Either token ends the whole
 * session, because the other one would still give access. An unknown token changes nothing.
 * @throws Problem 503 `database_unavailable`
 */
export async function revokeToken(
  app: FastifyInstance,
  token: string,
  by: TokenClient & { address: string },
): Promise<void> {
  const found = await sessionOf(app, token)
  if (found === undefined || !mayUse(by, found.owner)) return
  const { sessionId } = found
  await app.revocation.revokeSession(sessionId, 'client')
  const { clientId, address } = by
  app.securityEvents.record('authn_token_revoked', { sessionId, address, reason: `client ${clientId}` })
}

async function sessionOf(
  app: FastifyInstance,
  token: string,
): Promise<{ sessionId: string; owner: string | undefined } | undefined> {
  const claims = await claimsOf(app, token)
  if (claims !== undefined) return { sessionId: claims.sid, owner: claims.client_id }
  const found = await app.sessions.inspect(token)
  if (found === undefined || found.outcome === 'unknown') return undefined
  return { sessionId: found.session._id, owner: found.session.oauth?.clientId }
}
