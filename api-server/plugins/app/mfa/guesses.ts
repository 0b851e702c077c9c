import type { FastifyInstance } from 'fastify'
import type { StoredUser } from '../users/user.ts'

/** Records that guesses have locked the second step of a user, and tells the user. */
export function tellOfGuesses(
  app: FastifyInstance,
  user: StoredUser,
  about: { userId: string; address: string; reason: string },
): void {
  app.securityEvents.record('authn_mfa_lock', about)
  app.mail.later('second_factor_guessed', async () => ({ kind: 'second_factor_guessed', to: user.email }))
}
