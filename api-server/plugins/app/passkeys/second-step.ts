import type { FastifyInstance } from 'fastify'
import type { UsedCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import { countGuess, finishSecondStep, openSecondStep, type SecondStepClient } from '../mfa/complete-login.ts'
import type { LoggedIn } from '../sessions/begin-session.ts'
import { checkPasskey } from './check-passkey.ts'
import { passkeysOf, type RequestOptions, requestOptions } from './options.ts'
import { methodsOf } from './passkey.ts'

/** The options for the second step of a login. They name the passkeys of the user. @throws Problem 401 `mfa_token_invalid` */
export async function secondStepOptions(
  app: FastifyInstance,
  client: SecondStepClient,
  now: Date,
): Promise<RequestOptions> {
  const { pending, user } = await openSecondStep(app, client, now)
  const found = await app.mfa.requiredFactors(user._id)
  const challenge = app.passkeys.newChallenge({ kind: 'second_step', subject: pending._id }, now)
  const passkeys = passkeysOf(found?.factors ?? [])
  return requestOptions(challenge, app.passkeys.relyingParty.rpId, { passkeys, userVerification: 'preferred' })
}

/**
 * Completes a login whose password was right.
 *
 * @param replacedToken the refresh token that the browser of the caller has: its session ends
 * @throws Problem 401 `mfa_token_invalid`, 403 `passkey_refused`, 429 `rate_limited` or `locked`, 503
 */
export async function completeLoginByPasskey(
  app: FastifyInstance,
  { credential, rememberDevice, ...client }: SecondStepClient & { credential: UsedCredential; rememberDevice: boolean },
  replacedToken: string | undefined,
  caller: Caller,
  now: Date,
): Promise<LoggedIn> {
  const opened = await openSecondStep(app, client, now)
  const ceremony = { kind: 'second_step', subject: opened.pending._id } as const
  const { passkey, device } = await countGuess(app, opened, () =>
    checkPasskey(app, opened.user, credential, { ceremony, isOnlyFactor: false }, caller, now),
  )
  const methods = methodsOf(passkey, { withPassword: true })
  return finishSecondStep(app, opened, { device, methods, rememberDevice }, replacedToken, caller, now)
}
