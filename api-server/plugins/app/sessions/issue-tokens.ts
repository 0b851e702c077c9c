import type { FastifyInstance } from 'fastify'
import type { IssuedToken } from '../tokens/issue-and-verify.ts'
import { roleOf, type StoredUser } from '../users/user.ts'
import type { Session } from './session.ts'

/** An access token and a refresh token of one session. RFC 6749 section 5.1. */
export interface IssuedTokens {
  access: IssuedToken
  refreshToken: string
  session: Session
}

/** @throws Problem 503 `not_ready` when no signing key is active */
export async function issueTokens(
  app: FastifyInstance,
  user: StoredUser,
  session: Session,
  refreshToken: string,
): Promise<IssuedTokens> {
  const userId = session.userId.toString()
  const custom = await app.userClaims.select(session.userId, app.config.accessTokenClaims)
  const access = await app.tokens.issueAccessToken({ userId, role: roleOf(user), session, custom })
  app.metrics.tokensIssued.inc({ kind: 'access' })
  app.metrics.tokensIssued.inc({ kind: 'refresh' })
  return { access, refreshToken, session }
}
