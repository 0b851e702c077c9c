import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { existingUser } from '../../plugins/app/accounts/administration.ts'
import type { Administrator } from '../../plugins/app/accounts/administrator.ts'
import { canonicalEmail } from '../../plugins/app/users/email.ts'
import type { StoredUser } from '../../plugins/app/users/user.ts'

/** Options of a command that name its user. */
export interface UserOptions {
  email?: string
  id?: string
}

/** Who changes users, in security events. */
export const by: Administrator = { id: 'the admin command', address: hostname() }

/** The user of a command. @throws Error if both options are given, or none, or there is no such user */
export async function namedUser(app: FastifyInstance, { email, id }: UserOptions): Promise<StoredUser> {
  if ((email === undefined) === (id === undefined)) {
    throw new Error('Name the user with either --email EMAIL or --id ID.')
  }
  if (id !== undefined) return existingUser(app, id)
  const canonical = canonicalEmail(email ?? '')
  const user = canonical === undefined || canonical === '' ? null : await app.users.findByEmail(canonical)
  if (user === null) throw new Error(`There is no user with the email "${email}".`)
  return user
}
