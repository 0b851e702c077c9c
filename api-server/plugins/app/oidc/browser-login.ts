import type { FastifyInstance } from 'fastify'
import { hasRequiredFactor } from '../sessions/required-factor.ts'
import { isActive } from '../users/user.ts'
import { parseUserKey } from '../users/user-key.ts'
import { endGrant } from './grant-adapters.ts'

/** A login on the pages of this server, which its browser knows by a cookie: single sign-on for all clients. */
export interface BrowserLogin {
  /** Identifies it across changes of its cookie. */
  uid: string
  /** The user; undefined: nobody has logged in yet. */
  accountId?: string
  /** The session of this server that the login began, which users see in their list and can end. */
  loginSid?: string
}

/** @param session of the library */
export function browserLoginOf(session: unknown): BrowserLogin | undefined {
  return typeof session === 'object' && session !== null && 'uid' in session ? (session as BrowserLogin) : undefined
}

/** Whether it goes on. One without a user always does. */
export async function isLive(app: FastifyInstance, { accountId, loginSid }: BrowserLogin): Promise<boolean> {
  if (accountId === undefined) return true
  if (loginSid === undefined) return false
  const now = new Date()
  const [session, user, version] = await Promise.all([
    app.sessions.findUnended(loginSid, now),
    app.users.findById(accountId),
    app.revocation.versionOf(accountId),
  ])
  if (session === null || user === null || !isActive(user)) return false
  if (session.userId.toString() !== accountId || session.version < version) return false
  // Otherwise each grant would end at once, and the user would never be asked for the factor.
  return hasRequiredFactor(app, user, session, now)
}

/** Ends the session of the login, and those of all clients that it led to, except for offline access. */
export async function endBrowserLogin(app: FastifyInstance, { uid, accountId, loginSid }: BrowserLogin): Promise<void> {
  if (accountId === undefined) return
  if (loginSid !== undefined) await endGrant(app, loginSid, 'logout')
  for (const { _id } of await app.sessions.ofBrowserLogin(parseUserKey(accountId), uid)) {
    await endGrant(app, _id, 'logout')
  }
}
