import type { FastifyInstance } from 'fastify'
import type { StoredUser } from '../users/user.ts'

/** @param filter `none`: only users without a second factor; `some`: only users with one; undefined: all */
export async function filterByFactors(
  app: FastifyInstance,
  users: readonly StoredUser[],
  filter: 'none' | 'some' | undefined,
): Promise<readonly StoredUser[]> {
  if (filter === undefined) return users
  const enrolled = await app.mfa.factors.whoHasSome(users.map(({ _id }) => _id))
  return users.filter(({ _id }) => enrolled.has(_id.toString()) === (filter === 'some'))
}
