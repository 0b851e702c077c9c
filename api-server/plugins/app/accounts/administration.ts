import type { FastifyInstance } from 'fastify'
import { problem } from '../problems/problem.ts'
import type { NewUser, UserChange } from '../users/store.ts'
import type { StoredUser } from '../users/user.ts'
import { changeUser, deleteUser } from './account-changes.ts'
import type { Administrator } from './administrator.ts'
import { setPassword } from './password-change.ts'
import { createUser } from './registration.ts'

/** @throws Problem 409 `email_taken`, 422 for a bad password, 503 */
export async function createUserAsAdmin(
  app: FastifyInstance,
  { email, name, password, role }: Pick<NewUser, 'email' | 'name' | 'role'> & { password: string },
  by: Administrator,
): Promise<StoredUser> {
  app.passwords.assertAcceptable(password, { email, name })
  const passwordHash = await app.passwords.hash(password, 'owner')
  const user = await createUser(
    app,
    { email, name, passwordHash, ...(role !== undefined && { role }) },
    app.pages.defaultLanguage,
  )
  record(app, 'user_created', user, by)
  return user
}

/** @throws Problem 404 `not_found`, 409 `email_taken`, `last_admin` or `user_changed`, 503 */
export async function changeUserAsAdmin(
  app: FastifyInstance,
  id: string,
  change: Pick<UserChange, 'name' | 'role' | 'email'>,
  by: Administrator,
): Promise<StoredUser> {
  const user = await existingUser(app, id)
  const changed = await changeUser(app, user, change)
  record(app, 'user_updated', user, by)
  return changed
}

/** @throws Problem 404 `not_found`, 409 `user_changed`, 422 for a bad password, 503 */
export async function setPasswordAsAdmin(
  app: FastifyInstance,
  id: string,
  newPassword: string,
  by: Administrator,
): Promise<void> {
  app.passwords.assertAcceptable(newPassword)
  await setPassword(app, await existingUser(app, id), newPassword, by)
}

/** @throws Problem 404 `not_found`, 409 `last_admin` or `user_changed`, 503 */
export async function deleteUserAsAdmin(app: FastifyInstance, id: string, by: Administrator): Promise<void> {
  const user = await existingUser(app, id)
  await deleteUser(app, user)
  record(app, 'user_deleted', user, by)
}

/**
 * Clears the failed logins and the wrong codes of a user, from all addresses and devices.
 *
 * @throws Problem 503 `limits_unavailable`: other servers still count them, because Redis is unavailable
 */
export async function unlockUser({ loginAttempts }: FastifyInstance, user: StoredUser): Promise<void> {
  if ((await loginAttempts.unlock(user)) && (await loginAttempts.unlockFactors(user))) return
  const detail = 'Redis, in which the servers count failed logins, is unavailable. Try again when it is available.'
  throw problem(503, 'limits_unavailable', detail, { retryAfterSeconds: 1 })
}

/** @throws Problem 404 `not_found` */
export async function existingUser(app: FastifyInstance, id: string): Promise<StoredUser> {
  const user = await app.users.findById(id)
  if (user === null) throw problem(404, 'not_found', 'The user does not exist.')
  return user
}

function record(
  app: FastifyInstance,
  event: 'user_created' | 'user_updated' | 'user_deleted',
  user: StoredUser,
  { id, address }: Administrator,
): void {
  app.securityEvents.record(event, { userId: user._id.toString(), address, reason: `by ${id}` })
}
