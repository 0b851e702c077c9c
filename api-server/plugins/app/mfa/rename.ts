import type { FastifyInstance } from 'fastify'
import { renames } from '../accounts/profile.ts'
import type { Caller } from '../caller.ts'
import type { StoredUser } from '../users/user.ts'
import type { Factor } from './factor-store.ts'
import { unknownFactor } from './removal.ts'

/**
 * Renames a second factor. The name is only for its user, so no second factor is needed.
 * @throws Problem 404 `not_found`, 429 `rate_limited`
 */
export async function renameFactor(
  app: FastifyInstance,
  { _id }: StoredUser,
  factorId: string,
  name: string,
  { limits, address }: Caller,
): Promise<Factor> {
  const userId = _id.toString()
  await limits.use({ name: 'profile', subject: userId, rate: app.config.limits.profile })
  const found = (await app.mfa.factors.find(_id))?.factors.find(({ id }) => id === factorId)
  if (found === undefined) throw unknownFactor()
  if (found.name === name) return found
  await limits.use({ name: 'rename', subject: userId, rate: renames })
  if (!(await app.mfa.factors.rename(_id, factorId, name))) throw unknownFactor()
  app.securityEvents.record('user_updated', { userId, address, reason: `name of the second factor ${factorId}` })
  return { ...found, name }
}
