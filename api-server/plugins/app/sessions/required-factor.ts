import type { FastifyInstance } from 'fastify'
import type { StoredUser } from '../users/user.ts'
import { authenticationClaims, satisfies } from './authentication.ts'
import type { Session } from './session.ts'

/**
 * Whether a session may go on: it began with a second factor, or its user needs none. One that began before the user had
 * to have a second factor may not.
 */
export async function hasRequiredFactor(
  app: FastifyInstance,
  user: StoredUser,
  { authentication }: Pick<Session, 'authentication'>,
  now: Date,
): Promise<boolean> {
  return (
    satisfies(authenticationClaims(authentication), { level: 'aal2' }, now) ||
    !(await app.mfa.policy.requires(user, now))
  )
}
