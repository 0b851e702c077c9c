import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import { problem } from '../problems/problem.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import { type CanonicalEmail, canonicalEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import { consume, invalidToken, linkOf, mayGetMail } from './links.ts'

/**
 * Sends a link to the new address and notifies the old one; nothing changes until the link is opened. Replaces the
 * request before.
 *
 * @param token of the user: what ends it ends the request
 * @throws Problem 401 `session_revoked`, 429 `rate_limited` when the account got too many mails
 */
export async function requestEmailChange(
  app: FastifyInstance,
  user: StoredUser,
  token: Pick<RevocableToken, 'sub' | 'ver'>,
  newEmail: CanonicalEmail,
  { language }: Pick<Caller, 'language'>,
): Promise<void> {
  if (!(await mayGetMail(app, user))) {
    const { count, perSeconds } = app.config.limits.mail
    throw problem(429, 'rate_limited', 'Too many mails to this account. Try again later.', {
      retryAfterSeconds: Math.ceil(perSeconds / count),
    })
  }
  const subject = { purpose: 'change_email', userId: user._id, email: newEmail, version: token.ver } as const
  const linkToken = await app.mongo.transaction(async (session) => {
    await app.revocation.requireCurrent(token, session)
    return app.oneTimeTokens.issue(subject, new Date(), session)
  })
  const link = linkOf(app.config.mail.verifyUrl, linkToken)
  app.mail.later('confirm_new_email', language, async () => ({ kind: 'confirm_new_email', to: newEmail, link }))
  app.mail.later('email_change_requested', language, async () => ({ kind: 'email_change_requested', to: user.email }))
}

/** Invalidates the link that was sent to the new address. @returns whether there was one */
export function cancelEmailChange(app: FastifyInstance, user: StoredUser): Promise<boolean> {
  return app.oneTimeTokens.forget(user._id, ['change_email'])
}

/** The link was opened: the new email takes effect, and every session of the user ends. */
export async function completeEmailChange(
  app: FastifyInstance,
  token: OneTimeToken,
  user: StoredUser,
  { address, language }: Caller,
): Promise<void> {
  const userId = user._id.toString()
  await app.revocation.revokeUser(userId, 'email_change', async (session) => {
    await consume(app, token, session)
    const email = canonicalEmail(token.email)
    if (email === undefined) throw invalidToken()
    const changed = await app.users.change(user._id, { email }, { email: user.email }, session)
    if (changed === null) throw invalidToken()
    await app.verifiedEmails.add(user._id, token.email, new Date(), session)
  })
  app.securityEvents.record('user_updated', { userId, address, reason: 'email' })
  app.mail.later('email_changed', language, async () => ({ kind: 'email_changed', to: user.email }))
}
