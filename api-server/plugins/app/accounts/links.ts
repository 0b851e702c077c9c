import type { FastifyInstance } from 'fastify'
import { type ClientSession, ObjectId } from 'mongodb'
import type { Caller } from '../caller.ts'
import { addressKey } from '../limits/address-key.ts'
import { type Use, usesByAddress } from '../limits/plugin.ts'
import { accountKey, accountKeyOf } from '../login-attempts/login-attempt.ts'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import { Problem, problem } from '../problems/problem.ts'
import type { CanonicalEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'

/** @param template with `{token}` in it */
export function linkOf(template: string, token: string): string {
  return template.replaceAll('{token}', token)
}

/** A new link to choose a password. @param version the user's watermark: a later one ends the link */
export async function resetLink(app: FastifyInstance, user: StoredUser, version: number) {
  const { resetUrl, resetLifetimeSeconds } = app.config.mail
  const subject = { purpose: 'reset_password', userId: user._id, email: user.email, version } as const
  const token = await app.oneTimeTokens.issue(subject, new Date())
  return { to: user.email, link: linkOf(resetUrl, token), seconds: resetLifetimeSeconds }
}

/** An address may request this many times the limit of one email, because many users may share it. */
const emailsOfAddress = 12

/**
 * Counts a request that mails a link to an email, whether there is an account or not.
 * @throws Problem 429 `rate_limited`, 501 `mail_not_configured`
 */
export async function countMailRequest(
  app: FastifyInstance,
  name: 'forgot' | 'email-resend',
  email: CanonicalEmail,
  { address, limits }: Caller,
): Promise<void> {
  app.mail.require()
  const rate = app.config.limits.reset
  const subject = `${addressKey(address)}:${accountKey(email)}`
  const wider = { ...rate, count: rate.count * emailsOfAddress }
  await limits.use({ name: `${name}-email`, subject, rate }, ...usesByAddress(name, address, wider))
}

/** Whether an account may get another mail: requests of others must not flood its owner. */
export function mayGetMail(app: FastifyInstance, to: StoredUser | CanonicalEmail): Promise<boolean> {
  const subject = typeof to === 'string' ? accountKey(to) : accountKeyOf(to)
  return app.limits.allows({ name: 'mail', subject, rate: app.config.limits.mail })
}

/**
 * The watermark at the time of the request, read for an unknown email too, so that it takes the same time. Read before
 * the answer, so that anything that ends the user's sessions later also ends the link.
 */
export function watermarkOf(app: FastifyInstance, user: StoredUser | null): Promise<number> {
  return app.revocation.versionOf((user?._id ?? new ObjectId()).toString())
}

/** Uses a token up. @throws Problem 400 `one_time_token_invalid` when it was used, or ended meanwhile */
export async function consume(app: FastifyInstance, token: OneTimeToken, session: ClientSession): Promise<void> {
  const watermark = await app.revocation.versionOf(token.userId.toString(), session)
  if (!(await app.oneTimeTokens.consume(token, watermark, session))) throw invalidToken()
}

export function invalidToken(): Problem {
  return problem(400, 'one_time_token_invalid', 'The link has expired or was already used. Request a new mail.')
}

/**
 * Counts guesses of tokens: an invalid token counts for the address that presents it. A caller with a valid link is not
 * affected by what others do from the same address.
 */
export async function countInvalidToken<Result>(
  caller: Caller,
  [first, ...others]: [Use, ...Use[]],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Problem && error.code === 'one_time_token_invalid') await caller.limits.use(first, ...others)
    throw error
  }
}
