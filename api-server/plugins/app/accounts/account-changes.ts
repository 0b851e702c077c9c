import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import { type Problem, problem } from '../problems/problem.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import type { ExpectedUser, UserChange } from '../users/store.ts'
import { isActive, roleOf, type StoredUser } from '../users/user.ts'

/** Ends every session of the user. @throws Problem 409 `last_admin` or `user_changed` */
export async function disableUser(app: FastifyInstance, user: StoredUser): Promise<void> {
  await app.revocation.revokeUser(user._id.toString(), 'user_disabled', async (session) => {
    await assertAnotherAdmin(app, user, session)
    if ((await app.users.change(user._id, { is_active: false }, {}, session)) === null) throw userChanged()
  })
}

/** @throws Problem 409 `user_changed` */
export async function enableUser(app: FastifyInstance, user: StoredUser): Promise<void> {
  if ((await app.users.change(user._id, { is_active: true })) === null) throw userChanged()
}

/**
 * Deletes all that is known of a user except the events.
 * @param token of the user, where they do so themselves: nothing happens when it has ended
 * @throws Problem 401 `session_revoked`, 409 `last_admin` or `user_changed`
 */
export async function deleteUser(
  app: FastifyInstance,
  user: StoredUser,
  token?: Pick<RevocableToken, 'sub' | 'ver'>,
): Promise<void> {
  await app.revocation.revokeUser(user._id.toString(), 'user_deleted', async (session) => {
    if (token !== undefined) await app.revocation.requireCurrent(token, session)
    await assertAnotherAdmin(app, user, session)
    if (!(await app.users.delete(user._id, session))) throw userChanged()
    await app.verifiedEmails.forget(user._id, session)
    await app.mfa.forgetUser(user._id, session)
    await app.identities.forget(user._id, session)
    await app.userClaims.store.forget(user._id, session)
  })
}

/**
 * Changes a user. A new role or email ends every session: tokens that say otherwise must not stay valid.
 * @throws Problem 409 `email_taken`, `last_admin` or `user_changed`
 */
export async function changeUser(
  app: FastifyInstance,
  user: StoredUser,
  change: Pick<UserChange, 'name' | 'role' | 'email'>,
): Promise<StoredUser> {
  const hasNewEmail = change.email !== undefined && change.email !== user.email
  const hasNewRole = change.role !== undefined && change.role !== roleOf(user)
  const write = async (session: ClientSession) => {
    if (change.role === 'user') await assertAnotherAdmin(app, user, session)
    // With the role that was read, so that a concurrent change of the role is not lost.
    const changed = await app.users.change(user._id, change, expectedOf(user, change), session)
    if (changed === null) throw userChanged()
    if (hasNewEmail) await app.verifiedEmails.forget(user._id, session)
    return changed
  }
  if (!hasNewRole && !hasNewEmail) return app.mongo.transaction(write)
  let changed = user
  await app.revocation.revokeUser(user._id.toString(), hasNewEmail ? 'email_change' : 'admin', async (session) => {
    changed = await write(session)
  })
  return changed
}

function expectedOf({ email, role }: StoredUser, change: Pick<UserChange, 'role'>): ExpectedUser {
  return change.role === undefined ? { email } : { email, role }
}

/**
 * The document in the transaction decides whether the user is an administrator, because the user may have become one
 * since it was read. Two administrators who disable each other at the same time would each see the other one left. Both
 * write to the lock, so that one of the transactions starts again.
 *
 * @throws Problem 409 `last_admin`
 */
async function assertAnotherAdmin(app: FastifyInstance, { _id }: StoredUser, session: ClientSession): Promise<void> {
  const user = await app.users.findById(_id.toString(), session)
  if (user === null || roleOf(user) !== 'admin' || !isActive(user)) return
  const locks = app.mongo.db.collection<{ _id: string; count: number }>('locks')
  await locks.updateOne({ _id: 'admins' }, { $inc: { count: 1 } }, { upsert: true, session })
  if (await app.users.hasAnotherAdmin(user._id, session)) return
  throw problem(409, 'last_admin', 'This is the last active administrator: create another one first.')
}

/** Another request has written the user since it was read. */
export function userChanged(): Problem {
  return problem(409, 'user_changed', 'Another request changed the user meanwhile. Try again.')
}
