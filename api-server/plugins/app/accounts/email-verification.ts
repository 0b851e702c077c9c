import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import type { CanonicalEmail } from '../users/email.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import { completeEmailChange } from './email-change.ts'
import { consume, countInvalidToken, countMailRequest, invalidToken, linkOf, mayGetMail, watermarkOf } from './links.ts'
import { completeRegistration } from './registration.ts'

/**
 * Sends another link that confirms an email, if the user exists and needs one. Answer and timing do not disclose whether
 * that is so.
 * @throws Problem 429 `rate_limited`, 501 `mail_not_configured`, 503 `database_unavailable`
 */
export async function resendVerification(app: FastifyInstance, email: CanonicalEmail, caller: Caller): Promise<void> {
  await countMailRequest(app, 'email-resend', email, caller)
  const user = await app.users.findByEmail(email)
  const version = await watermarkOf(app, user)
  app.mail.later('verify_email', caller.language, async () => {
    if (user === null || !isActive(user) || (await app.verifiedEmails.has(user))) return undefined
    if (!(await mayGetMail(app, user))) return undefined
    const subject = { purpose: 'verify_email', userId: user._id, email: user.email, version } as const
    const token = await app.oneTimeTokens.issue(subject, new Date())
    return { kind: 'verify_email', to: user.email, link: linkOf(app.config.mail.verifyUrl, token) }
  })
}

/**
 * Confirms an email with the token of a mailed link: that of a user, the new one of a user, or that of a registration.
 * @throws Problem 400 `one_time_token_invalid`, 409 `email_taken`, 429 `rate_limited`, 503
 */
export async function confirmEmail(app: FastifyInstance, token: string, caller: Caller): Promise<void> {
  const guesses = usesByAddress('email-verify', caller.address, app.config.limits.emailVerify)
  await countInvalidToken(caller, guesses, () => confirmByToken(app, token, caller))
}

async function confirmByToken(app: FastifyInstance, text: string, caller: Caller): Promise<void> {
  const token = await app.oneTimeTokens.find(text, ['verify_email', 'change_email', 'register'], new Date())
  if (token?.purpose === 'register') return completeRegistration(app, token, caller.address)
  const user = token === null ? null : await app.users.findById(token.userId.toString())
  if (token === null || user === null || !isActive(user)) throw invalidToken()
  if (token.purpose === 'verify_email') await verify(app, token, user)
  else await completeEmailChange(app, token, user, caller)
}

async function verify(app: FastifyInstance, token: OneTimeToken, user: StoredUser): Promise<void> {
  await app.mongo.transaction(async (session) => {
    if (user.email !== token.email) throw invalidToken()
    await consume(app, token, session)
    await app.verifiedEmails.add(user._id, token.email, new Date(), session)
    await app.oneTimeTokens.forget(user._id, ['verify_email'], session)
  })
}
