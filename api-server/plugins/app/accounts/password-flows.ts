import type { FastifyInstance } from 'fastify'
import { accountKey } from '../login-attempts/login-attempt.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { isActive, type StoredUser } from '../users/user.ts'

/** A new password by mail or by the old one. Each ends every session of the user. */
export interface PasswordFlows {
  /** Sends the link when the user exists; whether it does shows in nothing that the caller could measure. */
  sendResetLink(email: string): Promise<void>
  /** @throws Problem 400 `one_time_token_invalid`, 422 for a bad password, 503 */
  reset(token: string, newPassword: string, address: string): Promise<void>
  /** @throws Problem 403 `password_wrong`, 409 `user_changed`, 422 for a bad password, 503 */
  change(user: StoredUser, current: string, newPassword: string, address: string): Promise<void>
  /** @throws Problem 403 `password_wrong` */
  require(user: StoredUser, password: string): Promise<void>
}

export function passwordFlows(app: FastifyInstance): PasswordFlows {
  const { resetUrl, resetLifetimeSeconds } = app.config.mail

  const changed = async (user: StoredUser, address: string, reason: string) => {
    const userId = user._id.toHexString()
    await app.loginAttempts.unlock(user)
    app.securityEvents.record('authn_password_change', { userId, address, reason })
    app.mail.later('password_changed', async () => ({ kind: 'password_changed', to: user.email }))
  }

  return {
    async sendResetLink(email) {
      // Before the answer, for both: a database that is away is told. All that differs comes after the answer.
      const user = await app.users.findByEmail(email)
      app.mail.later('reset_password', async () => {
        if (user === null || !isActive(user) || !(await mayGetMail(app, user))) return undefined
        const about = { purpose: 'reset_password', userId: user._id, email: user.email } as const
        const token = await app.oneTimeTokens.issue(about, new Date())
        const minutes = Math.round(resetLifetimeSeconds / 60)
        return { kind: 'reset_password', to: user.email, link: linkOf(resetUrl, token), minutes }
      })
    },

    async reset(token, newPassword, address) {
      const now = new Date()
      const found = await app.oneTimeTokens.find(token, ['reset_password'], now)
      const user = found === null ? null : await app.users.findById(found.userId.toHexString())
      if (found === null || user === null || !isActive(user) || user.email !== found.email) throw invalidToken()
      app.passwords.requireGood(newPassword, { email: user.email, ...(user.name !== undefined && { name: user.name }) })
      const password_hash = await app.passwords.hash(newPassword)
      await app.revocation.revokeUser(user._id.toHexString(), 'password_change', async (session) => {
        if (!(await app.oneTimeTokens.consume(found, session))) throw invalidToken()
        if ((await app.users.change(user._id, { password_hash }, { email: user.email }, session)) === null) {
          throw invalidToken()
        }
        await app.oneTimeTokens.forget(user._id, ['reset_password'], session)
        // Whoever had the old password may have had a device as well.
        await app.loginAttempts.forgetDevices(user._id, session)
        await app.verifiedEmails.add(user._id, user.email, now, session)
      })
      await changed(user, address, 'reset')
    },

    async change(user, current, newPassword, address) {
      await this.require(user, current)
      app.passwords.requireGood(newPassword, { email: user.email, ...(user.name !== undefined && { name: user.name }) })
      const password_hash = await app.passwords.hash(newPassword)
      await app.revocation.revokeUser(user._id.toHexString(), 'password_change', async (session) => {
        const expected = { password_hash: user.password_hash }
        if ((await app.users.change(user._id, { password_hash }, expected, session)) === null) throw userChanged()
        await app.oneTimeTokens.forget(user._id, ['reset_password'], session)
      })
      await changed(user, address, 'change')
    },

    async require(user, password) {
      app.passwords.requireReadable(password)
      const { matches } = await app.passwords.check(password, user.password_hash)
      if (!matches) throw problem(403, 'password_wrong', 'The current password is wrong.')
    },
  }
}

/** Mails that were asked for by whoever knows an email must not flood its owner. */
export function mayGetMail(app: FastifyInstance, user: StoredUser): Promise<boolean> {
  return app.limits.allows({ name: 'mail', subject: accountKey(user.email, user), rate: app.config.limits.mail })
}

/** @param template with `{token}` in it */
export function linkOf(template: string, token: string): string {
  return template.replaceAll('{token}', token)
}

export function invalidToken(): Problem {
  return problem(400, 'one_time_token_invalid', 'The link has expired or was used. Ask for a new mail.')
}

export function userChanged(): Problem {
  return problem(409, 'user_changed', 'The user was changed by somebody else meanwhile. Try again.')
}
