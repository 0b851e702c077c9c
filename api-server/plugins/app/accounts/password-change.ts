import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import { type Problem, problem } from '../problems/problem.ts'
import type { RevocableToken } from '../revocation/revocation.ts'
import { canonicalStoredEmail } from '../users/email.ts'
import type { StoredUser } from '../users/user.ts'
import { userChanged } from './account-changes.ts'
import type { Administrator } from './administrator.ts'
import { resetLink } from './links.ts'

/**
 * Changes a password, given the current one, and ends every session of the user. The device that does so stays known.
 *
 * @param token of the user: nothing happens when it has ended
 * @returns the cookie that the device is to get; undefined: it keeps what it has
 * @throws Problem 401 `session_revoked`, 403 `password_wrong`, 409 `user_changed`, 422 for a bad password, 429, 503
 */
export async function changePassword(
  app: FastifyInstance,
  user: StoredUser,
  token: Pick<RevocableToken, 'sub' | 'ver'>,
  passwords: { current: string; new: string },
  caller: Caller,
): Promise<string | undefined> {
  app.passwords.assertAcceptable(passwords.new)
  const userId = user._id.toString()
  await caller.limits.use({ name: 'sensitive', subject: userId, rate: app.config.limits.sensitive })
  const device = await checkCurrentPassword(app, user, passwords.current, caller)
  app.passwords.assertAcceptable(passwords.new, { email: user.email, name: user.name })
  const password_hash = await app.passwords.hash(passwords.new, 'owner')
  await app.revocation.revokeUser(userId, 'password_change', async (session) => {
    await app.revocation.requireCurrent(token, session)
    const expected = { password_hash: user.password_hash }
    if ((await app.users.change(user._id, { password_hash }, expected, session)) === null) throw userChanged()
  })
  await afterPasswordChange(app, user, caller, 'change')
  if (device === null) return undefined
  const version = await app.revocation.versionOf(userId)
  return app.loginAttempts.rememberDevice({ userId: user._id, version }, null, caller, new Date())
}

/**
 * Checks the current password. A guess of it counts, locks and is recorded as a login is: the thief of an access token
 * gets no more attempts than any other caller.
 *
 * @returns the device of the caller, when it is known for this user
 * @throws Problem 403 `password_wrong`, 429 `rate_limited` or `locked`, 503 `busy`
 */
export async function checkCurrentPassword(
  app: FastifyInstance,
  user: StoredUser,
  password: string,
  caller: Caller,
): Promise<KnownDevice | null> {
  app.passwords.assertHashable(password)
  const email = canonicalStoredEmail(user.email)
  // Another program has stored a value that is not text since the login. No login is possible with it either.
  if (email === undefined) throw wrongPassword()
  const { device, finish } = await app.loginAttempts.open(email, caller)
  const { matches } = await app.passwords.check(password, user.password_hash, 'owner')
  await finish(matches)
  if (matches) return device
  const event = { userId: user._id.toString(), email: user.email, address: caller.address, reason: 'current_password' }
  app.securityEvents.record('authn_login_fail', event)
  throw wrongPassword()
}

/** An administrator sets a password. @throws Problem 409 `user_changed`, 422 for a bad password, 503 */
export async function setPassword(
  app: FastifyInstance,
  user: StoredUser,
  newPassword: string,
  { id, address }: Administrator,
): Promise<void> {
  app.passwords.assertAcceptable(newPassword, { email: user.email, name: user.name })
  await replacePassword(app, user, newPassword)
  await afterPasswordChange(app, user, { address, language: app.pages.defaultLanguage }, `by ${id}`)
}

/**
 * An administrator invalidates a password, and the user gets a link to choose a new one.
 * @throws Problem 409 `user_changed`, 501 `mail_not_configured`, 503
 */
export async function invalidatePassword(
  app: FastifyInstance,
  user: StoredUser,
  { id, address }: Administrator,
): Promise<void> {
  app.mail.require()
  // Random, so that no password matches.
  await replacePassword(app, user, randomBytes(32).toString('base64url'))
  await app.loginAttempts.unlock(user)
  const userId = user._id.toString()
  app.securityEvents.record('authn_password_change', { userId, address, reason: `reset by ${id}` })
  const version = await app.revocation.versionOf(userId)
  app.mail.later('password_taken_away', app.pages.defaultLanguage, async () => ({
    ...(await resetLink(app, user, version)),
    kind: 'password_taken_away',
  }))
}

async function replacePassword(app: FastifyInstance, user: StoredUser, password: string): Promise<void> {
  const password_hash = await app.passwords.hash(password)
  await app.revocation.revokeUser(user._id.toString(), 'password_change', async (session) => {
    if ((await app.users.change(user._id, { password_hash }, {}, session)) === null) throw userChanged()
  })
}

/** Unlocks the account, records the event and notifies the user. @param by its language is that of the notice */
export async function afterPasswordChange(
  app: FastifyInstance,
  user: StoredUser,
  by: Pick<Caller, 'address' | 'language'>,
  reason: string,
): Promise<void> {
  await app.loginAttempts.unlock(user)
  app.securityEvents.record('authn_password_change', { userId: user._id.toString(), address: by.address, reason })
  app.mail.later('password_changed', by.language, async () => ({ kind: 'password_changed', to: user.email }))
}

function wrongPassword(): Problem {
  return problem(403, 'password_wrong', 'The current password is wrong.')
}
