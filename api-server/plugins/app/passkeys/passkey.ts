import { createHash } from 'node:crypto'
import type { Passkey } from '../mfa/factor-store.ts'
import type { AuthenticationMethod } from '../sessions/authentication.ts'
import type { UserKey } from '../users/user-key.ts'

/**
 * The ID of a passkey as a second factor. Of a fixed length, unlike that of the credential, and unique among all users
 * as the credential is.
 */
export function passkeyId(credentialId: string): string {
  return createHash('sha256').update(`passkey:${credentialId}`).digest('base64url')
}

/**
 * What an authenticator stores to name the user, in base64url: nothing personal, and the same for all passkeys of the
 * user. WebAuthn level 3 section 14.6.1.
 */
export function userHandleOf(userId: UserKey): string {
  return createHash('sha256').update(`user:${userId.toString()}`).digest('base64url')
}

/**
 * Whether the counter shows that a copy of the passkey was used. WebAuthn level 3 section 6.1.1.
 * @param stored that of the last use
 * @param presented 0 if the authenticator has no counter
 */
export function isCounterWrong(stored: number, presented: number): boolean {
  return (stored > 0 || presented > 0) && presented <= stored
}

/**
 * How a user authenticated with a passkey. RFC 8176.
 * @param options.withPassword whether the password was right, too
 */
export function methodsOf(
  { isSynced }: Pick<Passkey, 'isSynced'>,
  { withPassword }: { withPassword: boolean },
): AuthenticationMethod[] {
  return [...(withPassword ? (['pwd'] as const) : []), isSynced ? 'swk' : 'hwk', 'user', 'mfa']
}
