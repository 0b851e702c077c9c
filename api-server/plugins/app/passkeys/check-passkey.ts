import type { FastifyInstance } from 'fastify'
import type { UsedCredential } from '../../external/webauthn.ts'
import type { Caller } from '../caller.ts'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import type { Passkey } from '../mfa/factor-store.ts'
import { tellOfGuesses } from '../mfa/guesses.ts'
import { problem } from '../problems/problem.ts'
import type { StoredUser } from '../users/user.ts'
import type { Ceremony } from './ceremony.ts'
import { PasskeyRefused } from './refused.ts'
import { usePasskey } from './use-passkey.ts'

/** A passkey of a user who is known, and the device of the caller when it is known for this user. */
export interface CheckedPasskey {
  passkey: Passkey
  device: KnownDevice | null
}

/**
 * Checks a passkey of a user who is known already. A refused one counts as a wrong code does.
 *
 * @param options.isOnlyFactor see `PasskeyUse`
 * @throws Problem 403 `passkey_refused`, 404 `not_found` without a second factor, 429 `rate_limited` or `locked`
 */
export async function checkPasskey(
  app: FastifyInstance,
  user: StoredUser,
  credential: UsedCredential,
  { ceremony, isOnlyFactor }: { ceremony: Ceremony; isOnlyFactor: boolean },
  caller: Caller,
  now: Date,
): Promise<CheckedPasskey> {
  const found = await app.mfa.requiredFactors(user._id)
  if (found === null) throw problem(404, 'not_found', 'The user has no second factor.')
  const attempt = await app.loginAttempts.openFactor(user, caller)
  const about = { userId: user._id.toString(), address: caller.address }
  try {
    const passkey = await usePasskey(app, user, found, { credential, ceremony, isOnlyFactor }, caller, now)
    await attempt.finish('valid')
    app.metrics.mfaCodes.inc({ method: 'passkey', outcome: 'valid' })
    app.securityEvents.record('authn_mfa_success', { ...about, reason: 'passkey' })
    return { passkey, device: attempt.device }
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error
    const result = error.isGuess ? 'wrong' : 'used'
    app.metrics.mfaCodes.inc({ method: 'passkey', outcome: result })
    app.securityEvents.record('authn_mfa_fail', { ...about, reason: `passkey ${error.reason}` })
    const { isFirstLock } = await attempt.finish(result)
    if (isFirstLock) tellOfGuesses(app, user, 'passkey', caller)
    throw error
  }
}
