import type { FastifyInstance } from 'fastify'
import type { UsedCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import { renewAuthentication } from '../mfa/step-up.ts'
import type { AuthenticationMethod } from '../sessions/authentication.ts'
import type { SessionClaims } from '../tokens/access-token.ts'
import type { IssuedToken } from '../tokens/issue-and-verify.ts'
import type { StoredUser } from '../users/user.ts'
import { parseUserKey } from '../users/user-key.ts'
import { ofSession } from './ceremony.ts'
import { checkPasskey } from './check-passkey.ts'
import { passkeysOf, type RequestOptions, requestOptions } from './options.ts'
import { methodsOf } from './passkey.ts'

/** The options for authenticating again in a session. @throws Problem 429 `rate_limited` */
export async function stepUpOptions(
  app: FastifyInstance,
  claims: SessionClaims,
  { limits }: Caller,
  now: Date,
): Promise<RequestOptions> {
  await limits.use({ name: 'profile', subject: claims.sub, rate: app.config.limits.profile })
  const found = await app.mfa.requiredFactors(parseUserKey(claims.sub))
  const challenge = app.passkeys.newChallenge({ kind: 'step_up', subject: ofSession(claims) }, now)
  return requestOptions(challenge, app.passkeys.relyingParty.rpId, {
    passkeys: passkeysOf(found?.factors ?? []),
    userVerification: beganWithPassword(claims) ? 'preferred' : 'required',
  })
}

/**
 * Authenticates the user of a session again, by a passkey.
 * @returns another access token of the session
 * @throws Problem 401 `session_revoked`, 403 `passkey_refused`, 404 `not_found` without a second factor, 429, 503
 */
export async function stepUpByPasskey(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  credential: UsedCredential,
  caller: Caller,
  now: Date,
): Promise<IssuedToken> {
  const methods = await checkStepUpPasskey(app, user, claims, credential, caller, now)
  return renewAuthentication(app, user, claims, methods, now)
}

/**
 * Checks the passkey with which the user of a session authenticates again.
 * @returns how the user has authenticated
 * @throws Problem 403 `passkey_refused`, 404 `not_found` without a second factor, 429, 503
 */
export async function checkStepUpPasskey(
  app: FastifyInstance,
  user: StoredUser,
  claims: SessionClaims,
  credential: UsedCredential,
  caller: Caller,
  now: Date,
): Promise<AuthenticationMethod[]> {
  const withPassword = beganWithPassword(claims)
  const use = { ceremony: { kind: 'step_up', subject: ofSession(claims) }, isOnlyFactor: !withPassword } as const
  const { passkey } = await checkPasskey(app, user, credential, use, caller, now)
  return methodsOf(passkey, { withPassword })
}

/** Sessions without the claim began before there were second factors. */
function beganWithPassword({ amr }: SessionClaims): boolean {
  return amr?.includes('pwd') ?? true
}
