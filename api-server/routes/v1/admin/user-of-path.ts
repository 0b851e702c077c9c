import type { FastifyInstance } from 'fastify'
import { problem } from '../../../plugins/app/problems/problem.ts'
import type { StoredUser } from '../../../plugins/app/users/user.ts'

/** @throws Problem 404 `not_found` */
export async function userOfPath(app: FastifyInstance, id: string): Promise<StoredUser> {
  const user = await app.users.findById(id)
  if (user === null) throw problem(404, 'not_found', 'There is no such user.')
  return user
}
