import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import { problem } from '../problems/problem.ts'
import { isActive, roleOf, type StoredUser, type UserDocument } from '../users/user.ts'
import { userChanged } from './password-flows.ts'

/** What ends sessions or takes power away; each in one transaction. @throws Problem 409 `last_admin` */
export interface AccountChanges {
  disable(user: StoredUser): Promise<void>
  enable(user: StoredUser): Promise<void>
  /** Everything that is known of the user, but for the events. */
  delete(user: StoredUser): Promise<void>
  /** A new role or email: tokens that say otherwise end. @throws Problem 409 `email_taken`, `user_changed` */
  change(user: StoredUser, change: Partial<Pick<UserDocument, 'name' | 'role' | 'email'>>): Promise<StoredUser>
}

export function accountChanges(app: FastifyInstance): AccountChanges {
  const locks = app.mongo.db.collection<{ _id: string; count: number }>('locks')

  /**
   * Two administrators who take the power of each other at the same time would each see the other one left. Both write
   * here, so that one of them has to look again.
   */
  const requireAnotherAdmin = async (user: StoredUser, session: ClientSession) => {
    if (roleOf(user) !== 'admin' || !isActive(user)) return
    await locks.updateOne({ _id: 'admins' }, { $inc: { count: 1 } }, { upsert: true, session })
    if (await app.users.hasAnotherAdmin(user._id, session)) return
    throw problem(409, 'last_admin', 'It is the last active administrator: make another one first.')
  }

  return {
    async disable(user) {
      await app.revocation.revokeUser(user._id.toHexString(), 'user_disabled', async (session) => {
        await requireAnotherAdmin(user, session)
        if ((await app.users.change(user._id, { is_active: false }, {}, session)) === null) throw userChanged()
        await app.oneTimeTokens.forget(user._id, ['reset_password', 'verify_email', 'change_email'], session)
      })
    },

    async enable(user) {
      if ((await app.users.change(user._id, { is_active: true })) === null) throw userChanged()
    },

    async delete(user) {
      await app.revocation.revokeUser(user._id.toHexString(), 'user_deleted', async (session) => {
        await requireAnotherAdmin(user, session)
        if (!(await app.users.delete(user._id, session))) throw userChanged()
        await app.oneTimeTokens.forget(user._id, ['reset_password', 'verify_email', 'change_email'], session)
        await app.loginAttempts.forgetDevices(user._id, session)
        await app.verifiedEmails.forget(user._id, session)
      })
    },

    async change(user, change) {
      const takesPower = change.role !== undefined && change.role !== roleOf(user)
      const newEmail = change.email !== undefined && change.email !== user.email
      const write = async (session: ClientSession) => {
        if (takesPower && change.role === 'user') await requireAnotherAdmin(user, session)
        const changed = await app.users.change(user._id, change, { email: user.email }, session)
        if (changed === null) throw userChanged()
        if (newEmail) {
          await app.verifiedEmails.forget(user._id, session)
          await app.oneTimeTokens.forget(user._id, ['reset_password', 'verify_email', 'change_email'], session)
        }
        return changed
      }
      if (!takesPower && !newEmail) return app.mongo.transaction(write)
      let changed: StoredUser = user
      await app.revocation.revokeUser(user._id.toHexString(), newEmail ? 'email_change' : 'admin', async (session) => {
        changed = await write(session)
      })
      return changed
    },
  }
}
