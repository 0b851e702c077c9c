import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import { problem } from '../problems/problem.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import { type CanonicalEmail, canonicalStoredEmail } from '../users/email.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import { changeUser, deleteUser } from './account-changes.ts'
import { cancelEmailChange, requestEmailChange } from './email-change.ts'
import { checkCurrentPassword } from './password-change.ts'

/** The account of a user as the user sees it. */
export interface Profile {
  user: StoredUser
  isEmailVerified: boolean
  /** The email that takes effect when the link that was sent to it is opened. */
  pendingEmail: string | undefined
}

export interface ProfileChange {
  name: string | undefined
  email: CanonicalEmail | undefined
  /** Needed for a new email. */
  currentPassword: string
}

/** Changes of a user's own names, also of second factors: each leaves an event for months. */
export const renames = { count: 20, perSeconds: 86_400 } as const

/** @throws Problem 401 `session_revoked`, 429 `rate_limited` */
export async function readProfile(app: FastifyInstance, userId: string, caller: Caller): Promise<Profile> {
  await countUse(app, userId, caller)
  const user = await app.users.findStaleById(userId)
  if (user === null || !isActive(user)) throw problem(401, 'session_revoked', 'The user was deleted or disabled.')
  return profileOf(app, user)
}

/**
 * Changes the name, and requests a change of email. What is the same as before is no change.
 *
 * @param token of the user: a new email is not requested when it has ended
 * @throws Problem 401 `session_revoked`, 403 `password_wrong`, 409 `user_changed`, 429, 501 `mail_not_configured`, 503
 */
export async function changeProfile(
  app: FastifyInstance,
  user: StoredUser,
  token: Pick<RevocableToken, 'sub' | 'ver'>,
  { name, email, currentPassword }: ProfileChange,
  caller: Caller,
): Promise<Profile> {
  const { address } = caller
  const userId = user._id.toString()
  const newEmail = email === canonicalStoredEmail(user.email) ? undefined : email
  const newName = name === user.name ? undefined : name
  if (newName !== undefined) await caller.limits.use({ name: 'rename', subject: userId, rate: renames })
  if (newEmail === undefined) {
    await countUse(app, userId, caller)
  } else {
    app.mail.require()
    await countSensitiveUse(app, userId, caller)
    await checkCurrentPassword(app, user, currentPassword, caller)
    await requestEmailChange(app, user, token, newEmail, caller)
    app.securityEvents.record('user_updated', { userId, address, reason: 'change of email requested' })
  }
  if (newName === undefined) return profileOf(app, user)
  const changed = await changeUser(app, user, { name: newName })
  app.securityEvents.record('user_updated', { userId, address, reason: 'name' })
  return profileOf(app, changed)
}

/** @throws Problem 429 `rate_limited` */
export async function cancelPendingEmail(app: FastifyInstance, user: StoredUser, caller: Caller): Promise<void> {
  const userId = user._id.toString()
  await countUse(app, userId, caller)
  // Only a change is an event: the request may be repeated a hundred times a minute.
  if (!(await cancelEmailChange(app, user))) return
  app.securityEvents.record('user_updated', { userId, address: caller.address, reason: 'change of email cancelled' })
}

/**
 * @param token of the user: nothing happens when it has ended, also while the password is checked
 * @throws Problem 401 `session_revoked`, 403 `password_wrong`, 409 `last_admin` or `user_changed`, 429, 503
 */
export async function deleteOwnAccount(
  app: FastifyInstance,
  user: StoredUser,
  token: RevocableToken,
  currentPassword: string,
  caller: Caller,
): Promise<void> {
  const userId = user._id.toString()
  await countSensitiveUse(app, userId, caller)
  await checkCurrentPassword(app, user, currentPassword, caller)
  await app.tokens.requireActive(token)
  await deleteUser(app, user, token)
  app.securityEvents.record('user_deleted', { userId, address: caller.address, reason: 'by the user' })
}

async function profileOf(app: FastifyInstance, user: StoredUser): Promise<Profile> {
  const watermark = await app.revocation.versionOf(user._id.toString())
  const isEmailVerified = await app.verifiedEmails.has(user)
  const pendingEmail = await app.oneTimeTokens.pendingEmail(user._id, watermark, new Date())
  return { user, isEmailVerified, pendingEmail }
}

function countUse(app: FastifyInstance, subject: string, { limits }: Caller): Promise<void> {
  return limits.use({ name: 'profile', subject, rate: app.config.limits.profile })
}

function countSensitiveUse(app: FastifyInstance, subject: string, { limits }: Caller): Promise<void> {
  return limits.use({ name: 'sensitive', subject, rate: app.config.limits.sensitive })
}
