import type { FastifyInstance } from 'fastify'
import type { ClientSession } from 'mongodb'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import { invalidToken, linkOf, mayGetMail } from './password-flows.ts'

/** Confirming the email of a user, and changing it. */
export interface EmailFlows {
  /** Sends another one, when the user exists and needs it; whether that is so shows in nothing. */
  resendVerification(email: string): Promise<void>
  /** Sends a link to the new address; nothing changes until it is opened. */
  sendChange(user: StoredUser, newEmail: string): void
  /** Uses the token of such a link. @throws Problem 400 `one_time_token_invalid`, 409 `email_taken`, 503 */
  confirm(token: string, address: string): Promise<void>
}

export function emailFlows(app: FastifyInstance): EmailFlows {
  const { verifyUrl } = app.config.mail
  const verificationOf = async (user: StoredUser) => {
    const about = { purpose: 'verify_email', userId: user._id, email: user.email } as const
    const token = await app.oneTimeTokens.issue(about, new Date())
    return { kind: 'verify_email', to: user.email, link: linkOf(verifyUrl, token) } as const
  }

  const verify = (token: OneTimeToken, user: StoredUser) =>
    app.mongo.transaction(async (session) => {
      if (user.email !== token.email || !(await app.oneTimeTokens.consume(token, session))) throw invalidToken()
      await app.verifiedEmails.add(user._id, token.email, new Date(), session)
      await app.oneTimeTokens.forget(user._id, ['verify_email'], session)
    })

  const change = async (token: OneTimeToken, user: StoredUser, address: string) => {
    const userId = user._id.toHexString()
    await app.revocation.revokeUser(userId, 'email_change', async (session: ClientSession) => {
      if (!(await app.oneTimeTokens.consume(token, session))) throw invalidToken()
      const changed = await app.users.change(user._id, { email: token.email }, { email: user.email }, session)
      if (changed === null) throw invalidToken()
      await app.verifiedEmails.add(user._id, token.email, new Date(), session)
      // Links in the old mailbox must not open the account any more.
      await app.oneTimeTokens.forget(user._id, ['reset_password', 'verify_email', 'change_email'], session)
    })
    app.securityEvents.record('user_updated', { userId, address, reason: 'email' })
    app.mail.later('email_changed', async () => ({ kind: 'email_changed', to: user.email }))
  }

  return {
    async resendVerification(email) {
      const user = await app.users.findByEmail(email)
      app.mail.later('verify_email', async () => {
        if (user === null || !isActive(user) || (await app.verifiedEmails.has(user))) return undefined
        return (await mayGetMail(app, user)) ? verificationOf(user) : undefined
      })
    },

    sendChange(user, newEmail) {
      app.mail.later('confirm_new_email', async () => {
        if (!(await mayGetMail(app, user))) return undefined
        const about = { purpose: 'change_email', userId: user._id, email: newEmail } as const
        const token = await app.oneTimeTokens.issue(about, new Date())
        return { kind: 'confirm_new_email', to: newEmail, link: linkOf(verifyUrl, token) }
      })
    },

    async confirm(text, address) {
      const token = await app.oneTimeTokens.find(text, ['verify_email', 'change_email'], new Date())
      const user = token === null ? null : await app.users.findById(token.userId.toHexString())
      if (token === null || user === null || !isActive(user)) throw invalidToken()
      if (token.purpose === 'verify_email') await verify(token, user)
      else await change(token, user, address)
    },
  }
}
