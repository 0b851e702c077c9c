import type { FastifyInstance } from 'fastify'
import type { UsedCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import { findDevice } from '../login-attempts/login-attempt.ts'
import type { Passkey } from '../mfa/factor-store.ts'
import { beginSession, type LoggedIn } from '../sessions/begin-session.ts'
import { isActive, type StoredUser } from '../users/user.ts'
import type { Ceremony } from './ceremony.ts'
import { type RequestOptions, requestOptions } from './options.ts'
import { methodsOf, passkeyId } from './passkey.ts'
import { PasskeyRefused } from './refused.ts'
import { checkClientData, usePasskey } from './use-passkey.ts'

/**
 * The options for a login without a password: the authenticator shows the passkeys that it has. Costs no access to the
 * database.
 * @param binding identifies the browser: see `bindingOf`
 */
export function loginOptions(app: FastifyInstance, binding: string, now: Date): RequestOptions {
  const challenge = app.passkeys.newChallenge({ kind: 'login', subject: binding }, now)
  return requestOptions(challenge, app.passkeys.relyingParty.rpId, { userVerification: 'required' })
}

/** What the client of such a login has. */
export interface PasskeyLogin {
  credential: UsedCredential
  binding: string
  /** The refresh token that the browser has: its session ends. */
  replacedToken: string | undefined
}

/**
 * Logs a user in by a passkey alone, for which the authenticator has verified the user.
 * @throws Problem 403 `passkey_refused`, 429 `rate_limited`, 503
 */
export async function logInByPasskey(
  app: FastifyInstance,
  { credential, binding, replacedToken }: PasskeyLogin,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  const uses = usesByAddress('login', caller.address, app.config.limits.login)
  await caller.limits.use(...uses)
  const { user, version, passkey } = await identify(app, credential, { kind: 'login', subject: binding }, caller, now)
  await app.limits.refund(uses)
  const device = caller.deviceCookie === undefined ? null : await findDevice(app, user, caller.deviceCookie)
  const authentication = { at: now, methods: methodsOf(passkey, { withPassword: false }) }
  const loggedIn = await beginSession(app, { user, version, device, authentication, replacedToken }, caller, now)
  app.metrics.logins.inc({ outcome: 'success' })
  const about = { email: user.email, address: caller.address, userId: user._id.toString() }
  const sessionId = loggedIn.tokens.session._id
  app.securityEvents.record('authn_login_success', { ...about, sessionId, reason: 'passkey' })
  return loggedIn
}

interface Identified {
  user: StoredUser
  /** The user's watermark, read before the last check. */
  version: number
  passkey: Passkey
}

/** @throws PasskeyRefused */
async function identify(
  app: FastifyInstance,
  credential: UsedCredential,
  ceremony: Ceremony,
  caller: Caller,
  now: Date,
): Promise<Identified> {
  try {
    // First, so that only clients with options cause reads.
    checkClientData(app, credential, ceremony, now)
    const found = await app.mfa.factors.findByFactor(passkeyId(credential.id))
    if (found === null) throw new PasskeyRefused('unknown')
    const userId = found._id.toString()
    const version = await app.revocation.versionOf(userId)
    const user = await app.users.findById(userId)
    if (user === null || !isActive(user)) throw new PasskeyRefused('unknown')
    const passkey = await usePasskey(app, user, found, { credential, ceremony, isOnlyFactor: true }, caller, now)
    const recorded = await app.users.recordLogin(user, now, undefined)
    if (recorded === null) throw new PasskeyRefused('unknown')
    return { user: recorded, version, passkey }
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    app.metrics.logins.inc({ outcome: 'passkey_refused' })
    app.securityEvents.record('authn_login_fail', { address: caller.address, reason: `passkey ${error.reason}` })
    throw error
  }
}
