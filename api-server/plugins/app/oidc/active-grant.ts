import type { FastifyInstance } from 'fastify'
import { hasRequiredFactor } from '../sessions/required-factor.ts'
import type { ActiveSession, Session } from '../sessions/session.ts'
import { isActive, type StoredUser } from '../users/user.ts'

/** A session of a client that goes on, and its user. */
export interface ActiveGrant {
  session: ActiveSession & { oauth: NonNullable<Session['oauth']> }
  user: StoredUser
}

/**
 * A grant that goes on: the rules are those of `/v1/auth/refresh`.
 *
 * @param known its session, if this request has read it: it had not ended. A revocation since then ends the tokens, too
 */
export async function activeGrant(
  app: FastifyInstance,
  grantId: string,
  known?: ActiveSession,
): Promise<ActiveGrant | undefined> {
  const now = new Date()
  const session = known?._id === grantId ? known : await app.sessions.findUnended(grantId, now)
  if (session?.oauth === undefined || app.oidc?.clients.hasSession(session) !== true) return undefined
  const userId = session.userId.toString()
  const [user, version] = await Promise.all([app.users.findById(userId), app.revocation.versionOf(userId)])
  if (user === null || !isActive(user) || session.version < version) return undefined
  if (!(await hasRequiredFactor(app, user, session, now))) return undefined
  return { session: { ...session, oauth: session.oauth }, user }
}
