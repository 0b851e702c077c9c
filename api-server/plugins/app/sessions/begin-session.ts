import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { KnownDevice, RememberedFactor } from '../login-attempts/known-devices.ts'
import type { StoredUser } from '../users/user.ts'
import type { Authentication } from './authentication.ts'
import { type IssuedTokens, issueTokens } from './issue-tokens.ts'

export interface LoggedIn {
  user: StoredUser
  tokens: IssuedTokens
  /** The cookie for the device; undefined: it keeps its cookie. */
  deviceCookie: string | undefined
}

export interface NewSession {
  user: StoredUser
  /** The user's watermark, read before the last check of the login. */
  version: number
  /** The device of the caller, if it is known for this user. */
  device: KnownDevice | null
  authentication: Authentication | undefined
  /** The refresh token that the browser of the caller has: its session ends. */
  replacedToken: string | undefined
  /** The second factor of the login, if the user asks that the device is remembered. */
  secondFactor?: RememberedFactor | undefined
}

/** Begins a session of a user who has authenticated. @throws Problem 503 `not_ready` when no signing key is active */
export async function beginSession(
  app: FastifyInstance,
  { user, version, device, authentication, replacedToken, secondFactor }: NewSession,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  if (replacedToken !== undefined) await endReplacedSession(app, replacedToken, caller)
  const { session, refreshToken } = await createSession(app, user, version, authentication, caller, now)
  const owner = { userId: user._id, version, ...(secondFactor !== undefined && { secondFactor }) }
  const deviceCookie = await app.loginAttempts.rememberDevice(owner, device, caller, now)
  const tokens = await issueTokens(app, user, session, refreshToken)
  return { user, tokens, deviceCookie }
}

async function createSession(
  app: FastifyInstance,
  { _id: userId }: StoredUser,
  version: number,
  authentication: Authentication | undefined,
  { address, userAgent }: Caller,
  now: Date,
) {
  const created = await app.sessions.create(
    {
      userId,
      version,
      address,
      ...(userAgent !== undefined && { device: userAgent }),
      ...(authentication !== undefined && { authentication }),
    },
    now,
  )
  app.revocation.endExcessSessions(userId)
  const sessionId = created.session._id
  app.securityEvents.record('session_created', { userId: userId.toString(), sessionId, address })
  return created
}

/** The previous session of the browser: this login overwrites its cookie, so it could not be ended later. */
async function endReplacedSession(app: FastifyInstance, refreshToken: string, { address }: Caller): Promise<void> {
  const found = await app.sessions.inspect(refreshToken)
  if (found?.outcome !== 'rotate' && found?.outcome !== 'repeat') return
  const { _id: sessionId, userId } = found.session
  await app.revocation.revokeSession(sessionId, 'logout')
  const event = { userId: userId.toString(), sessionId, address, reason: 'replaced by a login' }
  app.securityEvents.record('authn_token_revoked', event)
}
