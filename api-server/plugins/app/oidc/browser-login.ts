import type { FastifyInstance } from 'fastify'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { RevocableToken } from '../revocation/revocation.ts'
import { authenticationClaims } from '../sessions/authentication.ts'
import { hasRequiredFactor } from '../sessions/required-factor.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import { parseUserKey, type UserKey } from '../users/user-key.ts'
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

/** The user of a login; undefined without one. */
export function userIdOf(login: BrowserLogin | undefined): UserKey | undefined {
  return login?.accountId === undefined ? undefined : parseUserKey(login.accountId)
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

/** The user of a login, with what an access token of its session would say. */
export interface AccountOfLogin {
  user: StoredUser
  claims: SessionClaims & RevocableToken
}

/**
 * The user of a login that goes on. @param login undefined: there is none
 * @throws SessionNotFound for a login that has ended, or that has no user
 */
export async function accountOfLogin(app: FastifyInstance, login: BrowserLogin | undefined): Promise<AccountOfLogin> {
  const { accountId, loginSid } = login ?? {}
  if (login === undefined || accountId === undefined || loginSid === undefined) throw ended()
  const [session, user] = await Promise.all([
    app.sessions.findUnended(loginSid, new Date()),
    app.users.findById(accountId),
  ])
  // After the user was read: a revocation that precedes what was read, such as that of a new password, ends the request.
  if (session === null || user === null || !(await isLive(app, login))) throw ended()
  const { version: ver, createdAt, authentication } = session
  const iat = Math.floor(createdAt.getTime() / 1000)
  return { user, claims: { sub: accountId, sid: loginSid, ver, iat, ...authenticationClaims(authentication) } }
}

function ended() {
  return new errors.SessionNotFound('the login has ended')
}

/**
 * A login for a browser whose session was replaced, because a change of the account has ended all sessions. It has an ID of
 * its own: the previous cookie, which may have been stolen, is of no use any more.
 * @returns the value of the cookie
 */
export async function newBrowserLogin(
  { Session: Login }: Pick<Provider, 'Session'>,
  { _id: loginSid, userId, authentication }: Session,
  lifetimeSeconds: number,
): Promise<string> {
  const { amr, acr, auth_time: loginTs } = authenticationClaims(authentication)
  const login = new Login()
  Object.assign(login, { accountId: userId.toString(), loginSid, loginTs, amr, acr })
  await login.save(lifetimeSeconds)
  return login.jti
}

/** Ends the session of the login, and those of all clients that it led to, except for offline access. */
export async function endBrowserLogin(app: FastifyInstance, { uid, accountId, loginSid }: BrowserLogin): Promise<void> {
  if (accountId === undefined) return
  if (loginSid !== undefined) await endGrant(app, loginSid, 'logout')
  for (const { _id } of await app.sessions.ofBrowserLogin(parseUserKey(accountId), uid)) {
    await endGrant(app, _id, 'logout')
  }
}
