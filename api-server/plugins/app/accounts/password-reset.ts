import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import type { CanonicalEmail } from '../users/email.ts'
import { isActive } from '../users/user.ts'
import {
  consume,
  countInvalidToken,
  countMailRequest,
  invalidToken,
  mayGetMail,
  resetLink,
  watermarkOf,
} from './links.ts'
import { afterPasswordChange } from './password-change.ts'

/**
 * Sends the link if the user exists. Answer and timing do not disclose whether that is so.
 * @throws Problem 429 `rate_limited`, 501 `mail_not_configured`, 503 `database_unavailable`
 */
export async function sendResetLink(app: FastifyInstance, email: CanonicalEmail, caller: Caller): Promise<void> {
  await countMailRequest(app, 'forgot', email, caller)
  // Before the answer, in both cases, so that an unavailable database is reported. Steps that differ follow the answer.
  const user = await app.users.findByEmail(email)
  const version = await watermarkOf(app, user)
  app.mail.later('reset_password', caller.language, async () => {
    if (user === null || !isActive(user) || !(await mayGetMail(app, user))) return undefined
    return { kind: 'reset_password', ...(await resetLink(app, user, version)) }
  })
}

/**
 * Sets a password with the token of a mailed link, and ends every session of the user.
 * @throws Problem 400 `one_time_token_invalid`, 422 for a bad password, 429 `rate_limited`, 503
 */
export async function resetPassword(
  app: FastifyInstance,
  { token, newPassword }: { token: string; newPassword: string },
  caller: Caller,
): Promise<void> {
  app.passwords.assertAcceptable(newPassword)
  const guesses = usesByAddress('reset', caller.address, app.config.limits.reset)
  await countInvalidToken(caller, guesses, () => resetByToken(app, token, newPassword, caller))
}

async function resetByToken(app: FastifyInstance, text: string, newPassword: string, caller: Caller): Promise<void> {
  const now = new Date()
  const token = await app.oneTimeTokens.find(text, ['reset_password'], now)
  const user = token === null ? null : await app.users.findById(token.userId.toString())
  if (token === null || user === null || !isActive(user) || user.email !== token.email) throw invalidToken()
  app.passwords.assertAcceptable(newPassword, { email: user.email, name: user.name })
  // A valid link counts only against its account. Passwords that a rule refuses do not count, because users must be
  // able to retry while the link is valid, for half an hour.
  const userId = user._id.toString()
  await caller.limits.use({ name: 'reset-account', subject: userId, rate: app.config.limits.reset })
  const password_hash = await app.passwords.hash(newPassword, 'owner')
  await app.revocation.revokeUser(userId, 'password_change', async (session) => {
    await consume(app, token, session)
    const changed = await app.users.change(user._id, { password_hash }, { email: user.email }, session)
    if (changed === null) throw invalidToken()
    await app.verifiedEmails.add(user._id, user.email, now, session)
  })
  await afterPasswordChange(app, user, caller, 'reset')
}
