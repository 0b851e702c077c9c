import type { FastifyInstance } from 'fastify'
import { problem } from '../problems/problem.ts'
import { isClientToken } from '../tokens/client-token.ts'
import { claimsOf } from './claims-of.ts'
import { mayUse, type TokenClient } from './token-client.ts'

/**
 * Ends the session that an access or refresh token belongs to, as RFC 7009 describes it. Either token ends the whole
 * session, because the other one would still give access. An unknown token changes nothing.
 * @throws Problem 400 `unsupported_token_type` for a token of a client itself, 503 `database_unavailable`
 */
export async function revokeToken(
  app: FastifyInstance,
  token: string,
  by: TokenClient & { address: string },
): Promise<void> {
  const found = await sessionOf(app, token)
  if (found === undefined || !mayUse(by, found.owner)) return
  const { sessionId } = found
  if (sessionId === undefined) {
    const detail = 'The token has no session that could be ended. It is valid until it expires.'
    throw problem(400, 'unsupported_token_type', detail)
  }
  await app.revocation.revokeSession(sessionId, 'client')
  const { clientId, address } = by
  app.securityEvents.record('authn_token_revoked', { sessionId, address, reason: `client ${clientId}` })
}

async function sessionOf(
  app: FastifyInstance,
  token: string,
): Promise<{ sessionId: string | undefined; owner: string | undefined } | undefined> {
  const claims = await claimsOf(app, token)
  if (claims !== undefined)
    return { sessionId: isClientToken(claims) ? undefined : claims.sid, owner: claims.client_id }
  const found = await app.sessions.inspect(token)
  if (found === undefined || found.outcome === 'unknown') return undefined
  return { sessionId: found.session._id, owner: found.session.oauth?.clientId }
}
