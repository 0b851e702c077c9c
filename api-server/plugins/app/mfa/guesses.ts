import type { FastifyInstance } from 'fastify'
import type { Caller } from '../caller.ts'
import type { StoredUser } from '../users/user.ts'

/** Records that guesses have locked the second step of a user, and tells the user. @param method of the last guess */
export function tellOfGuesses(
  app: FastifyInstance,
  user: StoredUser,
  method: 'totp' | 'recovery_code' | 'passkey',
  { address, language }: Caller,
): void {
  app.securityEvents.record('authn_mfa_lock', { userId: user._id.toString(), address, reason: method })
  app.mail.later('second_factor_guessed', language, async () => ({ kind: 'second_factor_guessed', to: user.email }))
}
